"""The latency of requests while probes run."""

from __future__ import annotations

import statistics
import time

from support.answers import hang
from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd, workerd

REQUESTS = 300
TIMEOUT = 1.0
FACTOR = 3.0
"""Tolerated slowdown on a busy machine; a request that waits for a probe takes TIMEOUT."""


def site_of(one: Origin, two: Origin) -> str:
    """Two monitored origins with constant probes and without ejection."""
    watching = monitor("m", interval=2, timeout=TIMEOUT, retries=2)
    pools = [pool(origin.name, origin, monitor="m") for origin in (one, two)]
    balancer = load_balancer("*", one.name, two.name, ejection={"base_time": 0})
    return "\n".join([watching, *pools, balancer])


def seconds_of(worker: Workerd) -> float:
    """Return how long one request took."""
    began = time.perf_counter()
    assert worker.get().status == 200
    return time.perf_counter() - began


def test_a_hanging_health_path_delays_no_request() -> None:
    """Probes that hang delay requests no more than probes that get a response.

    Two Workers are measured in turn. If a request waited for a probe, it would take at least the
    time-out of a probe; no request does.
    """
    with (
        origins(4) as (one, two, three, four),
        workerd(site_of(one, two)) as calm,
        workerd(site_of(three, four)) as hung,
    ):
        for origin in (three, four):
            origin.fail_health(hang())
        for worker in (calm, hung):
            worker.get("/warm-up")  # starts Python
        until(lambda: one.probes and two.probes and three.probes and four.probes)
        taken: dict[str, list[float]] = {"calm": [], "hung": []}
        # Long enough for some probes to time out and to be repeated.
        while len(taken["hung"]) < REQUESTS or len(three.probes) < 3:
            taken["calm"].append(seconds_of(calm))
            taken["hung"].append(seconds_of(hung))

    medians = {name: statistics.median(times) for name, times in taken.items()}
    print({name: f"{1000 * value:.2f} ms" for name, value in medians.items()})
    assert medians["hung"] < FACTOR * medians["calm"]
    assert max(taken["hung"]) < TIMEOUT
