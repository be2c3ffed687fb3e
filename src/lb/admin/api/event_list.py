"""GET .../load_balancing_analytics/events: health changes, with Cloudflare's filters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lb.admin.calls import Refusal, Result
from lb.admin.refusals import invalid
from lb.base.times import seconds_of
from lb.catalog.managed import Kind
from lb.object.event_log import MOST_PER_PAGE, EventLog, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.admin.api.request import ApiRequest

_LONGEST = 300
_MOST_PAGES = 1_000_000


def _moment(text: str) -> float | str:
    found = seconds_of(text)
    return "must be a date and time such as 2026-12-01T22:00:00Z" if found is None else found


def _flag(text: str) -> bool | str:
    return {"true": True, "1": True, "false": False, "0": False}.get(
        text.lower(), "must be true or false"
    )


def _whole(most: int) -> Callable[[str], int | str]:
    def read(text: str) -> int | str:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        return number if 1 <= number <= most else f"must be a whole number from 1 to {most}"

    return read


def _text(text: str) -> tuple[str] | str:
    return (text,) if len(text) <= _LONGEST else f"must have at most {_LONGEST} characters"


_READERS: Mapping[str, Callable[[str], object]] = {
    "since": _moment,
    "until": _moment,
    "pool_id": _text,
    "pool_name": _text,
    "pool_healthy": _flag,
    "origin_name": _text,
    "origin_healthy": _flag,
    "page": _whole(_MOST_PAGES),
    "per_page": _whole(MOST_PER_PAGE),
}


def events(request: ApiRequest) -> Result | Refusal:
    """Return a page of events, the newest first."""
    query = _read(request.query)
    if isinstance(query, Refusal):
        return query
    names = {one.id: one.name for one in request.context.store.catalog.of(Kind.POOL)}
    # The log has names of pools, which outlive a new deployment of the file.
    if query.pool_id is not None:
        query = replace(query, pool_id=names.get(query.pool_id, query.pool_id))
    page = EventLog(request.context.sql).query(query)
    ids = {name: one for one, name in names.items()}
    return Result(
        result=[_with_id(event, ids) for event in page.events],
        info={
            "page": page.page,
            "per_page": page.per_page,
            "count": len(page.events),
            "total_count": page.total_count,
            "total_pages": page.total_pages,
        },
    )


def _with_id(event: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    pool = event["pool"]
    return {**event, "pool": {**pool, "id": ids.get(pool["name"], pool["id"])}}


def _read(given: Mapping[str, str]) -> Query | Refusal:
    values: dict[str, object] = {}
    wrong = []
    for name, read in _READERS.items():
        if not given.get(name):
            continue
        value = read(given[name])
        if isinstance(value, str):
            wrong.append(("", f"{name} {value}"))
        else:
            values[name] = value[0] if isinstance(value, tuple) else value
    return invalid(wrong) if wrong else Query(**values)  # type: ignore[arg-type]
