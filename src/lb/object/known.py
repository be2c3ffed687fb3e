"""What operators are shown, as far as the object knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lb.model import OriginKey
    from lb.state.shared_view import SharedHealth


class TrafficFailure(NamedTuple):
    """The latest failure of real traffic that isolates told of an origin."""

    at: float
    cause: str


def _never(_kind: str, _name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the place that keeps all state knows, beside the configuration."""

    shared: SharedHealth
    version: int = 0
    """Of the configuration."""
    failures: Mapping[OriginKey, TrafficFailure] = field(default_factory=dict)
    latencies: Mapping[OriginKey, float] = field(default_factory=dict)
    """Seconds that the latest probe of an origin took which passed."""
    codes: Mapping[OriginKey, int] = field(default_factory=dict)
    """The status code that the latest probe of an origin met; 0: none, or not known."""
    traffic: Mapping[OriginKey, Mapping[str, Any]] = field(default_factory=dict)
    """Further keys of an origin: its share of traffic and its history."""
    events: Sequence[Mapping[str, Any]] = ()
    """The newest first, in the shape of Cloudflare's."""
    messages: Sequence[str] = ()
    """What the operator should know, in plain words."""
    read_only: Callable[[str, str], bool] = _never
    """Whether the object of this kind ("pools") and name can only be changed in the file."""
