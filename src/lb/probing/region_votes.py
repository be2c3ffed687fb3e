"""Votes of several regions on an origin, and their texts between Durable Objects."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from lb.base.stored_json import parsed, rows
from lb.health.groups import together
from lb.health.verdict import EVERYWHERE, Verdict
from lb.model import MonitorGroup, Region
from lb.model.watched import monitored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from lb.model import Config, Origin, OriginKey, Watch

# A Durable Object can be placed near one of nine hints, so that some regions share one:
# https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint
HINTS: Mapping[Region, str] = {
    Region.WNAM: "wnam",
    Region.ENAM: "enam",
    Region.WEU: "weur",
    Region.EEU: "eeur",
    Region.NSAM: "sam",
    Region.SSAM: "sam",
    Region.OC: "oc",
    Region.ME: "me",
    Region.NAF: "afr",
    Region.SAF: "afr",
    Region.SAS: "apac",
    Region.SEAS: "apac",
    Region.NEAS: "apac",
}


def majority(votes: Collection[Verdict]) -> Verdict | None:
    """Return the verdict of the majority of regions; None without votes.

    Cloudflare's rule. Half is no majority, so a tie is a failure; its cause is the most frequent
    one.
    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """
    if not votes:
        return None
    causes = [vote.cause for vote in votes if not vote.passed]
    if len(causes) * 2 < len(votes):
        return Verdict(passed=True)
    return Verdict(passed=False, cause=max(causes, key=causes.count))


def ballots(
    due: Iterable[tuple[Origin, Watch]], regions_of: Callable[[Origin], Iterable[Region]]
) -> dict[Region, list[tuple[Origin, Watch]]]:
    """Return the origins that each region has to probe."""
    found: dict[Region, list[tuple[Origin, Watch]]] = {}
    for origin, watch in due:
        for region in regions_of(origin):
            found.setdefault(region, []).append((origin, watch))
    return found


def elected(
    origin: Origin, watch: Watch, answers: Mapping[Region, Mapping[OriginKey, Verdict]]
) -> Verdict | None:
    """Return the verdict of the regions' answers on an origin; None without votes."""
    key = origin.key
    return decided(watch, {at: votes[key] for at, votes in answers.items() if key in votes})


def decided(watch: Watch, votes: Mapping[Region, Verdict]) -> Verdict | None:
    """Return the regions' verdict, with the latency from each; None without votes.

    For a group, the regions decide on each monitor, and then the monitors vote.
    """
    if isinstance(watch, MonitorGroup):
        members = {at: dict(vote.members) for at, vote in votes.items()}
        names = dict.fromkeys(name for each in members.values() for name in each)
        return together(
            {
                name: _timed({at: each[name] for at, each in members.items() if name in each})
                for name in names
            }
        )
    return _timed(votes) if votes else None


def _timed(votes: Mapping[Region, Verdict]) -> Verdict:
    latencies = tuple(
        (at.value, seconds) for at, vote in votes.items() for _, seconds in vote.latencies
    )
    return replace(majority(votes.values()) or Verdict(passed=False), latencies=latencies)


def question_to_json(asked: Sequence[tuple[Origin, Watch]]) -> str:
    """Return the text that asks a region to probe these origins, with a group's monitors."""
    return json.dumps(
        [
            [*origin.key, *(sorted(watch.asked) if isinstance(watch, MonitorGroup) else ())]
            for origin, watch in asked
        ]
    )


def question_from_json(text: str, config: Config) -> list[tuple[Origin, Watch]]:
    """Return the origins that a text asks for, as far as this configuration has them."""
    asked = {
        tuple(row[:2]): frozenset(row[2:])
        for row in rows(parsed(text))
        if all(isinstance(one, str) for one in row)
    }
    return [
        (
            origin,
            replace(watch, asked=asked[origin.key]) if isinstance(watch, MonitorGroup) else watch,
        )
        for origin, watch in monitored(config)
        if origin.key in asked
    ]


def votes_to_json(votes: Mapping[OriginKey, Verdict]) -> str:
    """Return the text of a region's verdicts; for a group, one for each monitor.

    An inconclusive verdict is no vote.
    """
    return json.dumps(
        [
            [*key, one.passed, one.cause, *(seconds for _, seconds in one.latencies), *name]
            for key, vote in votes.items()
            for name, one in _ballots(vote)
            if one.conclusive
        ]
    )


def _ballots(vote: Verdict) -> list[tuple[tuple[str, ...], Verdict]]:
    if not vote.members:
        return [((), vote)]
    return [((name,), one) for name, one in vote.members]


_SHAPES: Sequence[Sequence[type]] = (
    (str, str, bool, str),
    (str, str, bool, str, float),
    (str, str, bool, str, str),
    (str, str, bool, str, float, str),
)
"""Types of a row: pool, origin, passed, cause, optional seconds, optional monitor of a group."""


def votes_from_json(text: str) -> dict[OriginKey, Verdict]:
    """Return the verdicts in a region's text; malformed rows are left out."""
    votes: dict[OriginKey, Verdict] = {}
    members: dict[OriginKey, dict[str, Verdict]] = {}
    for row in rows(parsed(text)):
        if tuple(type(value) for value in row) not in _SHAPES:
            continue
        timed = tuple((EVERYWHERE, one) for one in row[4:] if isinstance(one, float))
        vote = Verdict(passed=row[2], cause=row[3], latencies=timed)
        key = row[0], row[1]
        if len(row) > 4 and isinstance(row[-1], str):
            members.setdefault(key, {})[row[-1]] = vote
        else:
            votes[key] = vote
    for key, found in members.items():
        of_group = together(found)
        if of_group is not None:
            votes[key] = of_group
    return votes
