"""The sheets, in the order of the report: one entry each."""

from __future__ import annotations

from measure.bench.model import Sheet
from measure.bench.peers import (
    ALONE,
    BASES,
    EVENKEEL,
    FLOOR,
    LEAKY,
    LEAN,
    PEERS,
    REFERENCE,
    REFRESHING,
    SHARING,
    features,
    named,
    scale,
)
from measure.bench.peers.servers import SERVERS
from measure.bench.scenarios import BUSY, CPU_ALONE, DOWN, MEMORY, QUIET, REFRESH, START, UP

FEW, MOST = 2, 1000
SIZES, CURVE = (FEW, MOST), (FEW, 10, 100, MOST)
HEAP = 64
"""Limit of the JavaScript heap in megabytes while memory is measured: without it the heap grows by
hundreds of megabytes before the first collection, and a leak does not show."""
PROBED = 16.0
"""Seconds until each of 1,000 origins has been probed: 20 in a quarter of a second."""
STEADIER = 5 / 3
"""Factor on the rounds of short or noisy measurements."""
FLOOR_BASE = {FLOOR: BASES[FLOOR]}


def origins(policy: str) -> str:
    """Name of the sheet that compares few and many origins."""
    return f"origins, {policy}"


def sheets(*, full: bool) -> tuple[Sheet, ...]:
    """All sheets; with `full` they measure more."""
    return (
        Sheet(
            name="requests",
            title="Requests for a page of 1 KB",
            peers=PEERS,
            scenarios=(BUSY, QUIET),
            bases=BASES,
        ),
        Sheet(
            name="bodies",
            title="Bodies of 100 MB",
            peers=(*named(EVENKEEL, REFERENCE, FLOOR), *SERVERS, *named(ALONE)),
            scenarios=(DOWN, UP),
            bases=FLOOR_BASE,
        ),
        *(
            Sheet(
                name=origins(policy),
                title=f"Few and many origins, ten to a pool: {policy}",
                peers=tuple(scale.evenkeel(size, policy) for size in (CURVE if full else SIZES)),
                scenarios=(CPU_ALONE,),
                origins=MOST,
                settle=PROBED,
                bases={scale.named(FEW, policy): f"x {FEW} origins"},
            )
            for policy in (scale.POLICIES if full else scale.MOST_USED)
        ),
        Sheet(
            name="features",
            title="What each feature costs a request",
            peers=features.PEERS,
            scenarios=(CPU_ALONE,),
            bases={features.PLAIN: f"x {features.PLAIN}"},
            rounds=STEADIER,
        ),
        Sheet(
            name="start",
            title="Cold start",
            peers=(*named(EVENKEEL, REFERENCE, FLOOR, LEAN), *SERVERS),
            scenarios=(START,),
            bases=FLOOR_BASE,
            rounds=STEADIER,
            warm=False,
        ),
        Sheet(
            name="refresh",
            title="Requests while health is refreshed, by probes that take 300 ms",
            peers=(REFRESHING, SHARING),
            scenarios=(REFRESH,),
        ),
        Sheet(
            name="memory",
            title="Memory over 200,000 requests",
            peers=(*named(EVENKEEL, FLOOR, LEAN), LEAKY),
            scenarios=(MEMORY,),
            heap=HEAP,
            rounds=0,
            warm=False,
            long=True,
        ),
    )
