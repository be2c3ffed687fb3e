"""The ports of an isolate's background work. Each may raise anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lb.model import Origin, Watch
    from lb.ports import Clock, Log
    from lb.state.memory import Memory

    Due = Sequence[tuple[Origin, Watch]]
    DataPoint = tuple[str, list[str], list[float]]
    """Index, blobs and doubles."""


class StateObject(Protocol):
    """The Durable Object that keeps the health and the configuration of all isolates."""

    async def pull(self, text: str) -> str | None:
        """Return the answer to a question (lb.state.pull); None or "" = it has none."""


class KvStore(Protocol):
    """One text in KV."""

    async def get(self) -> str | None:
        """Return the text, at most `KV_REFRESH` seconds old in this data centre."""

    async def put(self, text: str) -> None:
        """Replace the text."""


class Dataset(Protocol):
    """A dataset of Analytics Engine; writing does not wait."""

    def write(self, points: Iterable[DataPoint]) -> None:
        """Write data points."""


class Counts(Protocol):
    """What an isolate has counted (lb.metrics.isolate_totals)."""

    def offer(self, now: float) -> Mapping[str, Any] | None:
        """Return what to hand over; the same again until it is acknowledged."""

    def acknowledged(self, number: int) -> None:
        """Forget what was handed over under this number: it is stored."""

    def points(self) -> Sequence[DataPoint]:
        """Return data points to write, each once."""


class Check(Protocol):
    """Sends probes (lb.probing.run.check)."""

    async def __call__(self, due: Due, memory: Memory) -> None:
        """Log the memory's news, probe the due origins, and pass each verdict to the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What background work calls, whichever configuration serves."""

    bindings: Collection[str]
    """Names of what is bound; a port whose binding is missing is never called."""
    state_object: StateObject
    kv: KvStore
    dataset: Dataset
    counts: Counts
    counts_are_read: bool
    """Whether anybody can ask the Durable Object for the counts."""
    check: Check
    clock: Clock
    log: Log
