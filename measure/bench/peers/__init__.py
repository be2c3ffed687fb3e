"""The peers that are measured, in the order of the table: one entry each."""

from __future__ import annotations

from measure.bench.model import Peer
from measure.bench.peers.alone import OriginAlone
from measure.bench.peers.servers import SERVERS
from measure.common.evenkeel_worker import ACTIVE_PASSIVE, BY_ADDRESS, PROBED_EACH_SECOND, Evenkeel
from measure.common.workers import PlainWorker

EVENKEEL = "Evenkeel, cookie affinity"
REFERENCE = "reference, JavaScript"
FLOOR = "pass-through, JavaScript"
LEAN = "pass-through, lean Python"
ALONE = "the origin alone"

PEERS: tuple[Peer, ...] = (
    Evenkeel(EVENKEEL, ACTIVE_PASSIVE, ("server-1",)),
    Evenkeel("Evenkeel, address hash", BY_ADDRESS, ("server-1", "server-2")),
    PlainWorker(REFERENCE, "reference.mjs", ("Server 1",)),
    PlainWorker(FLOOR, "pass_through.mjs"),
    PlainWorker("pass-through, Python", "pass_through.py"),
    PlainWorker(LEAN, "lean_pass_through.py"),
    *SERVERS,
    OriginAlone(ALONE),
)

REFRESHING = Evenkeel("Evenkeel, probes of its own", PROBED_EACH_SECOND, ("server-1",))
SHARING = Evenkeel("Evenkeel, Durable Object", PROBED_EACH_SECOND, ("server-1",), state=True)
LEAKY = PlainWorker("a leak of 1 KB, on purpose", "leaky.py")

# Peers for comparison: name -> heading of the ratio's column.
BASES = {REFERENCE: "x reference", FLOOR: "x pass-through"}


def named(*names: str) -> tuple[Peer, ...]:
    """The peers of these names, in this order."""
    return tuple(next(peer for peer in PEERS if peer.name == name) for name in names)
