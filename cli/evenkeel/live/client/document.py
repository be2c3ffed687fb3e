"""Reads the response of `/status` (lb.admin.handlers.status_document)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evenkeel.live.client.session import Session
from evenkeel.output.errors import Exit, Failure, UsageError, plain
from evenkeel.output.tables import listed
from lb.config.reading.problems import nearest

MOST_NAMED = 20
Part = Mapping[str, Any]
_LARGEST = 1e15


def tables(found: object) -> list[dict[str, Any]]:
    """The JSON objects in a list."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def parts(whole: object, key: str) -> list[dict[str, Any]]:
    """The JSON objects in a list of another object."""
    return tables(whole.get(key)) if isinstance(whole, dict) else []


def number(found: object) -> float | None:
    """A number within bounds; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if abs(found) <= _LARGEST else None


@dataclass(frozen=True, slots=True)
class Found:
    """An origin in a status, with its pool."""

    pool: Part
    origin: Part

    @property
    def key(self) -> tuple[str, str]:
        return str(self.pool.get("name", "")), str(self.origin.get("name", ""))

    @property
    def name(self) -> str:
        """Name as commands take it: `primary/server-1`."""
        return plain("/".join(self.key))


def report_of(session: Session) -> dict[str, Any]:
    """Fetch the present status."""
    result = session.wire.get("/status").result
    if not isinstance(result, dict):
        raise Failure(Exit.UNREACHABLE, f"{session.wire.target.url} answered without a status")
    return result


def origins(report: Part) -> Iterator[Found]:
    """Every origin of every pool."""
    for pool in parts(report, "pools"):
        for origin in parts(pool, "origins"):
            yield Found(pool, origin)


def origin_named(report: Part, given: str) -> Found:
    """The origin of `pool/origin`, or of `origin` if the name is unique; else UsageError."""
    every = list(origins(report))
    exact = [found for found in every if "/".join(found.key) == given]
    named = exact or [found for found in every if found.key[1] == given]
    if len(named) == 1:
        return named[0]
    if named:
        names = ", ".join(found.name for found in named)
        raise UsageError(f"several origins have the name {plain(given)}: give one of {names}")
    known = [found.name for found in every]
    hint = nearest(given, [*known, *dict.fromkeys(found.key[1] for found in every)])
    there = listed(known, MOST_NAMED) or "none"
    raise UsageError(f"there is no origin {plain(given)}{hint}", f"Origins: {there}")


def left_without(report: Part, found: Found) -> list[str]:
    """The load balancers for which no other origin takes traffic."""
    by_name = {str(pool.get("name")): pool for pool in parts(report, "pools")}
    alone = []
    for lb in parts(report, "load_balancers"):
        names = pools_of(lb)
        if found.key[0] in names and not any(
            other.get("takes_new") is True
            for name in names
            for other in parts(by_name.get(name, {}), "origins")
            if (name, other.get("name")) != found.key
        ):
            alone.append(plain(lb.get("name", "")))
    return alone


def pools_of(lb: Part) -> list[str]:
    """The names of a load balancer's pools, in its order, each once."""
    named = [*_names(lb, "default_pools"), lb.get("fallback_pool"), *_names(lb, "other_pools")]
    return list(dict.fromkeys(str(name) for name in named if name))


def _names(part: Part, key: str) -> list[Any]:
    found = part.get(key)
    return found if isinstance(found, list) else []
