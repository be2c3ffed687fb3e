"""Everything that goes through the schedule, in the order of the table: one entry each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from measure.common.peers import Place, Running
from measure.faults.model import Layout, Timing
from measure.faults.peers.servers import CADDY, HAPROXY, NGINX
from measure.faults.peers.workers import EVENKEEL, REFERENCE


class Peer(Protocol):
    """A balancer in front of two origins."""

    @property
    def name(self) -> str:
        """What the table calls it; unique."""

    @property
    def bounded(self) -> bool:
        """Whether the bounds hold for it, or it is there to compare with."""

    @property
    def layouts(self) -> Sequence[Layout]:
        """Those that it knows."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" when nothing."""

    def start(self, place: Place, layout: Layout, timing: Timing) -> Running:
        """Start it before the place's origins; it need not answer yet."""


PEERS: tuple[Peer, ...] = (EVENKEEL, REFERENCE, NGINX, HAPROXY, CADDY)
