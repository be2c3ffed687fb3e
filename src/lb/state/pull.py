"""The configuration on its way from the Durable Object to isolates, beside the health."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import document

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEGINNING = '{"configuration":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A configuration that isolates have to serve from now on."""

    version: int
    document: Mapping[str, Any] | None
    """In the shape of a file; None: that of the isolate's own deployment."""
    short_sessions: bool = False
    """As lb.config.parse has it."""


OF_THE_DEPLOYMENT = Delivered(version=0, document=None)
"""Operators have configured nothing, or what they had is lost."""


def version_asked(question: str) -> int | None:
    """Return the version that an isolate has; None of one that takes no configuration."""
    version = document(question).get("configuration")
    return version if type(version) is int else None


def with_configuration(delivered: Delivered, health: str) -> str:
    """Return the answer that carries both."""
    configuration = {
        "version": delivered.version,
        "document": delivered.document,
        "short_sessions": delivered.short_sessions,
    }
    return json.dumps({"configuration": configuration, "health": health}, separators=(",", ":"))


def taken_apart(answer: str | None) -> tuple[Delivered | None, str | None]:
    """Return the configuration in an answer, if there is one, and what it says of health."""
    if not answer or not answer.startswith(_BEGINNING):
        return None, answer
    both = document(answer)
    found = both.get("configuration")
    if not isinstance(found, dict) or type(found.get("version")) is not int:
        return None, None
    given = found.get("document")
    return (
        Delivered(
            version=found["version"],
            document=given if isinstance(given, dict) else None,
            short_sessions=found.get("short_sessions") is True,
        ),
        str(both.get("health") or ""),
    )
