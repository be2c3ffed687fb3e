"""The scenarios, each with its columns, and the formats of figures."""

from __future__ import annotations

from measure.bench.model import Column
from measure.bench.scenarios.bodies import Bodies
from measure.bench.scenarios.memory import Memory
from measure.bench.scenarios.refresh import Refresh
from measure.bench.scenarios.start import Start
from measure.bench.scenarios.steady import Steady


def microseconds(seconds: float) -> str:
    """Format seconds as microseconds."""
    return f"{seconds * 1e6:.0f}"


def milliseconds(seconds: float) -> str:
    """Format seconds as milliseconds with two decimals."""
    return f"{seconds * 1e3:.2f}"


def whole_milliseconds(seconds: float) -> str:
    """Format seconds as whole milliseconds."""
    return f"{seconds * 1e3:,.0f}"


def count(number: float) -> str:
    """Format a count."""
    return f"{number:,.0f}"


def megabytes(size: float) -> str:
    """Format bytes as megabytes."""
    return f"{size / 1e6:,.0f}"


def times(factor: float) -> str:
    """Format a factor."""
    return f"{factor:.2f}"


CPU = Column("cpu", "CPU us", microseconds, compared=True)

BUSY = Steady(
    "busy",
    16,
    (CPU, Column("rate", "requests/s", count), Column("p50", "p50 ms", milliseconds)),
    "at 16 connections",
)
QUIET = Steady(
    "quiet",
    1,
    (
        Column("p50", "p50 ms", milliseconds, added="added ms"),
        Column("p90", "p90 ms", milliseconds),
        Column("p99", "p99 ms", milliseconds),
    ),
    "at one connection",
)
CPU_ALONE = Steady("busy", 16, (CPU, Column("rate", "requests/s", count)), "at 16 connections")

_BODY_COLUMNS = (
    Column("speed", "MB/s", megabytes, compared=True),
    Column("peak", "peak memory MB", megabytes),
    Column("grown", "for bodies MB", megabytes),
)
DOWN = Bodies("down", upload=False, columns=_BODY_COLUMNS, what="to the client")
UP = Bodies("up", upload=True, columns=_BODY_COLUMNS, what="to the origin")

START = Start(
    "start",
    (
        Column("total", "first answer after ms", whole_milliseconds, compared=True),
        Column("own", "its own ms", whole_milliseconds),
        Column("start_cpu", "CPU ms", whole_milliseconds),
    ),
)

REFRESH = Refresh(
    "refresh",
    (
        Column("between", "else p50 ms", milliseconds),
        Column("during", "during p50 ms", milliseconds),
        Column("slower", "x else", times, compared=True),
        Column("between_p99", "else p99 ms", milliseconds),
        Column("during_p99", "during p99 ms", milliseconds),
        Column("slowest", "slowest during ms", milliseconds),
    ),
)

MEMORY = Memory(
    "memory",
    (
        Column("early", "after a quarter MB", megabytes),
        Column("late", "at the end MB", megabytes),
        Column("most", "at most MB", megabytes),
        Column("growth", "bytes kept per request", count),
        Column("requests", "requests", count),
    ),
)
