"""Ports for time, chance, log and storage: the runtime in the Worker, fakes in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lb.log_events import Event


class Clock(Protocol):
    """Returns seconds since the Unix epoch."""

    def __call__(self) -> float: ...


class Chance(Protocol):
    """Returns random numbers from 0 up to, but not including, 1."""

    def __call__(self) -> float: ...


class Log(Protocol):
    """Logs an event. Never raises."""

    def __call__(self, event: Event, /) -> None: ...


class Sql(Protocol):
    """The SQLite database of the Durable Object."""

    def __call__(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        """Run a statement with these values for its `?`; return its rows as columns by name."""
