"""The balancers of the schedule, in the order of the tables: one entry each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from measure.common.evenkeel_worker import ONE_POOL, TWO_POOLS, Evenkeel
from measure.common.peers import Place, Running
from measure.common.server_configs import CADDY_FOR_FAULTS, HAPROXY_FOR_FAULTS, NGINX_FOR_FAULTS
from measure.common.servers import CADDY, HAPROXY, NGINX, Program, Server
from measure.common.workers import PlainWorker
from measure.faults.model import Layout, Timing

# All other settings have their defaults. Only those times are shortened that would otherwise be
# longer than a line.
POOLS: Mapping[Layout, str] = {Layout.PASSIVE: TWO_POOLS, Layout.ACTIVE: ONE_POOL}

SETTINGS = """\
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


class Installed(Protocol):
    """A balancer with its configuration."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" if nothing."""

    def start(self, place: Place) -> Running:
        """Start it in front of the place's origins; it need not answer yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """A balancer in front of two origins."""

    name: str
    """Name in the table; unique."""
    configured: Callable[[Layout, Timing], Installed]
    bounded: bool = False
    """Whether the bounds apply to it; the others are for comparison."""
    layouts: Sequence[Layout] = tuple(Layout)
    """The layouts that it has."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" if nothing."""
        return self.configured(self.layouts[0], Timing()).missing()

    def start(self, place: Place, layout: Layout, timing: Timing) -> Running:
        """Start it in front of the place's origins; it need not answer yet."""
        return self.configured(layout, timing).start(place)


def configuration(layout: Layout, timing: Timing) -> str:
    """The loadbalancer.toml of the schedule, with $host, $first and $second to fill in."""
    return POOLS[layout] + SETTINGS.format(timeout=timing.first_byte_timeout)


def _evenkeel(layout: Layout, timing: Timing) -> Evenkeel:
    return Evenkeel("Evenkeel", configuration(layout, timing), ())


def _server(
    program: Program, template: str, second: Mapping[Layout, str]
) -> Callable[[Layout, Timing], Server]:
    """A server; `second` has the $second_role of its template for each layout."""

    def configured(layout: Layout, timing: Timing) -> Server:
        timeout = f"{timing.first_byte_timeout * 1000:.0f}ms"
        values = {"timeout": timeout, "second_role": second[layout]}
        return Server(program.name, program, template, values)

    return configured


BACKUP = {Layout.PASSIVE: "backup", Layout.ACTIVE: ""}
POLICY = {Layout.PASSIVE: "first", Layout.ACTIVE: "random"}

EVENKEEL = Peer("Evenkeel", _evenkeel, bounded=True)

PEERS: tuple[Peer, ...] = (
    EVENKEEL,
    # The reference has one layout, and no time-out.
    Peer(
        "reference, JavaScript",
        lambda _layout, _timing: PlainWorker("reference", "reference.mjs"),
        layouts=(Layout.PASSIVE,),
    ),
    Peer("nginx", _server(NGINX, NGINX_FOR_FAULTS, BACKUP)),
    Peer("HAProxy", _server(HAPROXY, HAPROXY_FOR_FAULTS, BACKUP)),
    Peer("Caddy", _server(CADDY, CADDY_FOR_FAULTS, POLICY)),
)
