"""From where probes are sent, and how many of those places must agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lb.health import Verdict
from lb.kept import parsed, rows
from lb.model import Region
from lb.shared import monitored

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lb.model import Config, Monitor, Origin

# A Durable Object can be asked to live near one of nine places, so some regions share one:
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
    """Return what the regions say of an origin; None when none of them said anything.

    Cloudflare's rule: the majority of regions decides. Half is no majority, so a tie is a failure;
    its cause is the one that most of those who saw it gave.
    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """
    if not votes:
        return None
    causes = [vote.cause for vote in votes if not vote.passed]
    if len(causes) * 2 < len(votes):
        return Verdict(passed=True)
    return Verdict(passed=False, cause=max(causes, key=causes.count))


def question_to_json(origins: Sequence[tuple[str, str]]) -> str:
    """Return the text that asks a region to probe these origins."""
    return json.dumps([list(key) for key in origins])


def question_from_json(text: str, config: Config) -> list[tuple[Origin, Monitor]]:
    """Return what is asked for, of what this configuration has."""
    keys = {tuple(row) for row in rows(parsed(text)) if all(isinstance(one, str) for one in row)}
    return [(origin, monitor) for origin, monitor in monitored(config) if origin.key in keys]


def votes_to_json(votes: Mapping[tuple[str, str], Verdict]) -> str:
    """Return the text of a region's verdicts."""
    return json.dumps([[*key, vote.passed, vote.cause] for key, vote in votes.items()])


def votes_from_json(text: str) -> dict[tuple[str, str], Verdict]:
    """Return a region's verdicts; what is none is left out."""
    return {
        (row[0], row[1]): Verdict(passed=row[2], cause=row[3])
        for row in rows(parsed(text))
        if [type(value) for value in row] == [str, str, bool, str]
    }
