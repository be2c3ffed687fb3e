"""The text of a pull: an isolate's question and the Durable Object's answer, both ends of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import document, rows
from lb.state.shared_view import SharedHealth, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.health.verdict import FailureReport

# question   {"fingerprint": "...", "version": 7, "configuration": 3, "reports": [], "paced": true,
#            "counts": {}}
# answer     health; {"configuration": {...}, "health": health} where the isolate has another one
# health     a view as JSON, or the seconds of its latest round where the isolate has that view;
#            on a second line the number of the counts that are stored; on a third line, for
#            isolates whose question is "paced", the seconds after which they ask again
#
# An isolate and the object may be of different releases while a deployment is under way, so each
# end reads what it knows and takes the rest as missing.
_CONFIGURATION_FIRST = '{"configuration":'

MOST_DIGITS = 15
"""Digits of the longest number of counts that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An isolate's question, as the Durable Object reads it: its fields may hold anything."""

    fingerprint: object
    version: object
    """The view that the isolate has."""
    configuration: int | None
    """The version that the isolate serves; None = an older release, which takes none."""
    reports: list[list[Any]]
    """Failures of real traffic: pool, origin, cause and time of each, and the end of the ejection
    where there is one."""
    counts: object
    paced: bool = False
    """Whether the isolate reads when it has to ask again; False = an older release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A configuration that isolates have to serve from now on."""

    version: int
    document: Mapping[str, Any] | None
    """In the shape of a file; None = the one of the isolate's own deployment."""
    short_sessions: bool = False
    """The flag that lb.config.parse takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledHealth:
    """Health in an answer: a view, the time of the latest round alone, or neither."""

    view: SharedHealth | None = None
    probed: float | None = None
    """Seconds since the epoch, where the isolate's own view is the newest."""
    stored: int = 0
    """Number of the counts that are stored; 0 = none."""
    again: float | None = None
    """Seconds after which the isolate asks again; None = its own `refresh`."""


NO_HEALTH = PulledHealth()
"""The health in an answer that has none, and where there is no answer."""

OF_THE_DEPLOYMENT = Delivered(version=0, document=None)
"""Operators have configured nothing, or their configuration is lost."""


def question(
    known: SharedHealth,
    configuration: int | None,
    reports: Sequence[FailureReport],
    counts: Mapping[str, Any] | None = None,
) -> str:
    """Return an isolate's question, which names the view and the configuration that it has."""
    return json.dumps(
        {
            "fingerprint": known.fingerprint,
            "version": known.version,
            "configuration": configuration,
            "reports": [_report(one) for one in reports],
            "paced": True,
            **({"counts": counts} if counts is not None else {}),
        },
        separators=(",", ":"),
    )


def _report(failure: FailureReport) -> list[Any]:
    row = [failure.pool, failure.origin, failure.cause, failure.at]
    return [*row, failure.until] if failure.until else row


def read_question(text: str) -> Question:
    """Return what a question says; a text that is none says nothing."""
    found = document(text)
    configuration = found.get("configuration")
    return Question(
        fingerprint=found.get("fingerprint"),
        version=found.get("version"),
        configuration=configuration if type(configuration) is int else None,
        reports=rows(found.get("reports")),
        counts=found.get("counts"),
        paced=found.get("paced") is True,
    )


def health_answer(asked: Question, shared: SharedHealth, stored: int | None, again: float) -> str:
    """Return the answer: the whole view, or only the time of its latest round where it is known.

    `stored` is the number of the isolate's counts that are stored; None = it sent none. `again` is
    the time in seconds after which it asks again.
    """
    known = (asked.fingerprint, asked.version) == (shared.fingerprint, shared.version)
    health = repr(shared.probed) if known else to_json(shared)
    if asked.paced:
        return f"{health}\n{stored or 0}\n{again:.2f}"
    return health if stored is None else f"{health}\n{stored}"


def with_configuration(delivered: Delivered, health: str) -> str:
    """Return the answer that carries a configuration beside the health."""
    configuration = {
        "version": delivered.version,
        "document": delivered.document,
        "short_sessions": delivered.short_sessions,
    }
    return json.dumps({"configuration": configuration, "health": health}, separators=(",", ":"))


def read_answer(text: str | None) -> tuple[Delivered | None, PulledHealth]:
    """Return the configuration in an answer, if there is one, and its health."""
    if not text or not text.startswith(_CONFIGURATION_FIRST):
        return None, _read_health(text or "")
    both = document(text)
    found = both.get("configuration")
    if not isinstance(found, dict) or type(found.get("version")) is not int:
        return None, NO_HEALTH
    given = found.get("document")
    return (
        Delivered(
            version=found["version"],
            document=given if isinstance(given, dict) else None,
            short_sessions=found.get("short_sessions") is True,
        ),
        _read_health(str(both.get("health") or "")),
    )


def _read_health(text: str) -> PulledHealth:
    health, _, below = text.partition("\n")
    number, _, wait = below.partition("\n")
    stored = int(number) if number.isdecimal() and len(number) <= MOST_DIGITS else 0
    again = _seconds(wait)
    if not health or health.startswith("{"):
        return PulledHealth(view=from_json(health), stored=stored, again=again)
    return PulledHealth(probed=_seconds(health), stored=stored, again=again)


def _seconds(text: str) -> float | None:
    """Return a number of seconds; None = it is none."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if isfinite(seconds) else None
