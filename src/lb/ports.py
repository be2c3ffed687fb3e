"""What the drivers await: the runtime stands behind each port in the Worker, a fake in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lb.log_events import Event


class Clock(Protocol):
    """Seconds since the Unix epoch."""

    def __call__(self) -> float: ...


class Chance(Protocol):
    """Numbers from 0 up to but not including 1."""

    def __call__(self) -> float: ...


class Log(Protocol):
    """Takes note of what happened. Never raises."""

    def __call__(self, event: Event, /) -> None: ...


class Sql(Protocol):
    """The Durable Object's SQLite."""

    def __call__(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        """Run one statement with its `?` filled; return its rows, columns by name."""
