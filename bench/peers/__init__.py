"""Everything that is measured, in the order of the table: one entry each."""

from __future__ import annotations

from bench.model import Peer
from bench.peers.alone import OriginAlone
from bench.peers.evenkeel import ACTIVE_PASSIVE, BY_ADDRESS, Evenkeel
from bench.peers.workers import PlainWorker

REFERENCE = "reference, JavaScript"
FLOOR = "pass-through, JavaScript"
ALONE = "the origin alone"

PEERS: tuple[Peer, ...] = (
    Evenkeel("Evenkeel, cookie affinity", ACTIVE_PASSIVE, ("server-1",)),
    Evenkeel("Evenkeel, address hash", BY_ADDRESS, ("server-1", "server-2")),
    PlainWorker(REFERENCE, "reference.mjs", ("Server 1",)),
    PlainWorker(FLOOR, "pass_through.mjs"),
    PlainWorker("pass-through, Python", "pass_through.py"),
    PlainWorker("pass-through, lean Python", "lean_pass_through.py"),
    OriginAlone(ALONE),
)

# What other figures are compared with: the name, and the heading of the ratio's column.
BASES = {REFERENCE: "x reference", FLOOR: "x pass-through"}
