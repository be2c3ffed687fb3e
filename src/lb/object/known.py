"""State of the Durable Object that operators are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lb.model import OriginKey
    from lb.state.shared_view import SharedHealth


class TrafficFailure(NamedTuple):
    """An origin's latest failure of real traffic, as reported by an isolate."""

    at: float
    cause: str
    until: float = 0.0
    """When the latest ejection that an isolate has reported ends; 0 = none is known."""


def _never(_kind: str, _name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that is shown beside the configuration."""

    shared: SharedHealth
    version: int = 0
    """Version of the configuration."""
    failures: Mapping[OriginKey, TrafficFailure] = field(default_factory=dict)
    latencies: Mapping[OriginKey, float] = field(default_factory=dict)
    """Seconds of an origin's latest passed probe."""
    codes: Mapping[OriginKey, int] = field(default_factory=dict)
    """Status code of an origin's latest probe; 0: none or unknown."""
    traffic: Mapping[OriginKey, Mapping[str, Any]] = field(default_factory=dict)
    """Further keys of an origin's document: its share of traffic and its history."""
    events: Sequence[Mapping[str, Any]] = ()
    """Newest first, in the shape of Cloudflare's."""
    messages: Sequence[str] = ()
    """Messages to the operator."""
    read_only: Callable[[str, str], bool] = _never
    """Whether an object of a kind ("pools") and name can be changed in the file alone."""
