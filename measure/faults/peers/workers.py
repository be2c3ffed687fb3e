"""Evenkeel and the JavaScript Worker that it is compared with, each on a workerd of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure.common.evenkeel_worker import Evenkeel
from measure.common.peers import Place, Running
from measure.common.workers import PlainWorker
from measure.faults.model import Layout, Timing

# Everything that is not said here is as it is by default. Of the balancer's times only those are
# shortened that would otherwise be longer than a line.
POOLS: Mapping[Layout, str] = {
    Layout.PASSIVE: """
[[pools]]
name = "primary"
monitor = "web"
origins = [{ name = "one", address = "$first" }]

[[pools]]
name = "replica"
monitor = "web"
origins = [{ name = "two", address = "$second" }]

[[load_balancers]]
name = "$host"
default_pools = ["primary", "replica"]
fallback_pool = "primary"
""",
    Layout.ACTIVE: """
[[pools]]
name = "servers"
monitor = "web"
origins = [
  { name = "one", address = "$first" },
  { name = "two", address = "$second" },
]

[[load_balancers]]
name = "$host"
default_pools = ["servers"]
fallback_pool = "servers"
""",
}

REST = """\
failover = {{ first_byte_timeout = {timeout}, retry_on = ["5xx"] }}
ejection = {{ base_time = 2, max_time = 2 }}

[[monitors]]
name = "web"
type = "http"
path = "/health"
interval = 5
timeout = 2
retries = 0
"""


def configuration(layout: Layout, timing: Timing) -> str:
    """The loadbalancer.toml of the schedule, with $host, $first and $second to fill in."""
    return POOLS[layout] + REST.format(timeout=timing.first_byte_timeout)


@dataclass(frozen=True, slots=True)
class Balancer:
    """Evenkeel as it is in src/."""

    name: str = "Evenkeel"
    bounded: bool = True
    layouts: Sequence[Layout] = tuple(Layout)

    def missing(self) -> str:
        """Nothing but its own code."""
        return ""

    def start(self, place: Place, layout: Layout, timing: Timing) -> Running:
        """Start it."""
        return Evenkeel(self.name, configuration(layout, timing), ()).start(place)


@dataclass(frozen=True, slots=True)
class Reference:
    """The JavaScript Worker of `make bench`. It knows one layout, and no time-out."""

    name: str = "reference, JavaScript"
    bounded: bool = False
    layouts: Sequence[Layout] = (Layout.PASSIVE,)

    def missing(self) -> str:
        """Nothing: it runs on the project's own runtime."""
        return ""

    def start(self, place: Place, layout: Layout, timing: Timing) -> Running:
        """Start it."""
        del layout, timing
        return PlainWorker(self.name, "reference.mjs").start(place)


EVENKEEL = Balancer()
REFERENCE = Reference()
