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
from measure.faults.model import Layout, Needs, Timing

# All other settings have their defaults. Only those times are shortened that would otherwise be
# longer than a line.
POOLS: Mapping[Layout, str] = {Layout.PASSIVE: TWO_POOLS, Layout.ACTIVE: ONE_POOL}

SETTINGS = """\
session_affinity = "{affinity}"
failover = {{ first_byte_timeout = {timeout}, {deadline}retry_on = ["5xx"] }}
ejection = {{ consecutive_failures = {failures}, base_time = 2, max_time = 2 }}

[[monitors]]
name = "web"
type = "http"
path = "/health"
interval = 5
timeout = 2
retries = 0
"""


SECOND_ATTEMPT = 0.4
"""Seconds of Evenkeel's deadline after the first time-out, where the others have no deadline.

Without a deadline of its own, a POST to a silent origin waits for longer than one time-out.
"""

Configured = Callable[[Layout, Timing, Needs], "Installed"]


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
    configured: Configured
    bounded: bool = False
    """Whether the bounds apply to it; the others are for comparison."""
    layouts: Sequence[Layout] = tuple(Layout)
    """The layouts that it has."""
    edge: bool = False
    """Whether it runs behind Cloudflare's edge."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" if nothing."""
        return self.configured(self.layouts[0], Timing(), Needs()).missing()

    def start(self, place: Place, layout: Layout, timing: Timing, needs: Needs) -> Running:
        """Start it in front of the place's origins; it need not answer yet."""
        return self.configured(layout, timing, needs).start(place)


def configuration(layout: Layout, timing: Timing, needs: Needs) -> str:
    """The loadbalancer.toml of the schedule, with $host, $first and $second to fill in."""
    pools, deadline = POOLS[layout], timing.first_byte_timeout + SECOND_ATTEMPT
    for address in ('"$first"', '"$second"'):
        pools = pools.replace(address, f"{address}, max_requests = {needs.max_requests}")
    return pools + SETTINGS.format(
        failures=needs.consecutive_failures,
        affinity="cookie" if needs.sessions else "none",
        timeout=timing.first_byte_timeout,
        deadline=f"deadline = {deadline:.1f}, " if needs.one_timeout else "",
    )


def _evenkeel(layout: Layout, timing: Timing, needs: Needs) -> Evenkeel:
    return Evenkeel("Evenkeel", configuration(layout, timing, needs), ())


def _server(
    program: Program,
    template: str,
    second: Mapping[Layout, str],
    sessions: str = "",
) -> Configured:
    """A server; `second` has the $second_role of its template for each layout.

    `sessions` is its $sessions where clients that share the origins keep theirs.
    """

    def configured(layout: Layout, timing: Timing, needs: Needs) -> Server:
        values = {
            "timeout": f"{timing.first_byte_timeout * 1000:.0f}ms",
            "second_role": second[layout],
            "sessions": sessions if needs.sessions and layout is Layout.ACTIVE else "",
            "max_requests": str(needs.max_requests),
        }
        return Server(program.name, program, template, values)

    return configured


BACKUP = {Layout.PASSIVE: "backup", Layout.ACTIVE: ""}
# Caddy's choice is random for a client without its cookie.
POLICY = {Layout.PASSIVE: "first", Layout.ACTIVE: "cookie lb"}
# nginx sells sessions by cookie; by address they are free.
BY_ADDRESS = "hash $http_cf_connecting_ip consistent;"
BY_COOKIE = "cookie lb insert indirect nocache"

EVENKEEL = Peer("Evenkeel", _evenkeel, bounded=True, edge=True)

PEERS: tuple[Peer, ...] = (
    EVENKEEL,
    # The reference has one layout, no time-out and no sessions.
    Peer(
        "reference, JavaScript",
        lambda _layout, _timing, _needs: PlainWorker("reference", "reference.mjs"),
        layouts=(Layout.PASSIVE,),
        edge=True,
    ),
    Peer("nginx", _server(NGINX, NGINX_FOR_FAULTS, BACKUP, BY_ADDRESS)),
    Peer("HAProxy", _server(HAPROXY, HAPROXY_FOR_FAULTS, BACKUP, BY_COOKIE)),
    Peer("Caddy", _server(CADDY, CADDY_FOR_FAULTS, POLICY)),
)
