"""The ports of an isolate's background work, scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lb.health.verdict import Verdict
from lb.metrics.isolate_totals import IsolateTotals
from lb.state.memory import Memory
from lb.state.ports import Ports
from lb.state.refresh import DATASET
from lb.state.run import BackgroundWork

if TYPE_CHECKING:
    from lb.log_events import Event
    from lb.model import Config
    from lb.ports import Clock, Log
    from lb.state.ports import DataPoint, Due
    from lb.state.pull import Delivered, PulledHealth

START = 1_790_000_000.0
OBJECT, KV = "LB_STATE", "LB_KV"


class Unbound:
    """Every port of a missing binding: a call fails the test."""

    async def pull(self, text: str) -> str | None:
        raise AssertionError(text)

    async def get(self) -> str | None:
        raise AssertionError

    async def put(self, text: str) -> None:
        raise AssertionError(text)

    def write(self, points: Iterable[DataPoint]) -> None:
        raise AssertionError(points)

    async def __call__(self, due: Due, memory: Memory) -> None:
        raise AssertionError(due, memory)


def ports(clock: Clock, log: Log, **given: Any) -> Ports:
    """Return the ports; a call of a port that is not given fails the test."""
    others = dict.fromkeys(("state_object", "kv", "dataset", "check"), Unbound())
    counts = IsolateTotals("isolate", clock(), analytics=False)
    unset = {"bindings": (), "counts": counts, "counts_are_read": False}
    return Ports(clock=clock, log=log, **{**others, **unset, **given})


@dataclass
class FakeBackground:
    """One isolate's background work and all of its ports."""

    config: Config
    bindings: tuple[str, ...] = ()
    counts_are_read: bool = True
    pulls: Callable[[str], str | None] = lambda _question: None
    """The Durable Object's answer to a question; it may raise."""
    text: str | None = None
    """The text in KV."""
    broken: set[str] = field(default_factory=set)
    """Names of the methods that raise: get, put, write."""
    down: set[str] = field(default_factory=set)
    """Names of origins that fail their probes."""
    takes: bool = True
    """Whether a delivered configuration is served."""

    def __post_init__(self) -> None:
        self.now = START
        self.log: list[Event] = []
        self.questions: list[Mapping[str, Any]] = []
        self.probed: list[tuple[float, str]] = []
        """Seconds from the start, and the origin's name."""
        self.written: list[DataPoint] = []
        self.puts: list[str] = []
        self.delivered: list[tuple[Delivered, PulledHealth]] = []
        self.counts = IsolateTotals("isolate", START, analytics=DATASET in self.bindings)
        self.memory = Memory(self.config)
        given = ports(
            lambda: self.now,
            self.log.append,
            bindings=self.bindings,
            state_object=self,
            kv=self,
            dataset=self,
            counts=self.counts,
            counts_are_read=self.counts_are_read,
            check=self.check,
        )
        self.background = BackgroundWork(self.config, 3, self.memory, given, self._take)

    def respond(self, second: float) -> bool:
        """Do the background work of a response at this second; return whether there was any."""
        self.now = START + second
        work = self.background.work(self.now)
        if work is None:
            return False
        asyncio.run(work)
        return True

    def respond_at(self, seconds: Iterable[float]) -> None:
        """Answer a request at each of these seconds."""
        for second in seconds:
            self.respond(second)

    @property
    def logged(self) -> list[str]:
        """The messages of logged faults, each without its stack trace."""
        said = (str(getattr(event, "message", event.event)) for event in self.log)
        return [message.partition(" at ")[0] for message in said]

    async def pull(self, text: str) -> str | None:
        self.questions.append(json.loads(text))
        return self.pulls(text)

    async def get(self) -> str | None:
        self._fail("get")
        return self.text

    async def put(self, text: str) -> None:
        self._fail("put")
        self.text = text
        self.puts.append(text)

    def write(self, points: Iterable[DataPoint]) -> None:
        self._fail("write")
        self.written += points

    async def check(self, due: Due, memory: Memory) -> None:
        """Probe at once: an origin passes unless it is down."""
        self.log += memory.take_news()
        for origin, watch in due:
            self.probed.append((self.now - START, origin.name))
            verdict = Verdict(passed=origin.name not in self.down, cause="")
            memory.observe(origin, watch, verdict, self.now)

    def _take(self, delivered: Delivered, health: PulledHealth) -> bool:
        self.delivered.append((delivered, health))
        return self.takes

    def _fail(self, port: str) -> None:
        if port in self.broken:
            raise ConnectionError(port)
