"""Hosts that a deployed Worker cannot reach, or that surely are not the operator's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lb.config.doubts.doubt import Deployment, Doubt, DoubtKind
from lb.config.reading.host_names import Address, parse_address
from lb.model import MonitorType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.config.doubts.paths import Paths
    from lb.config.reading.problems import Place
    from lb.model import Config, Monitor, Origin, Pool

LOOPBACK = (
    "is this machine, which only `evenkeel dev` reaches: give a public hostname of the tunnel"
)
LOCAL_NAME = (
    "is a name of a local network, which Cloudflare cannot look up: give a public hostname of the "
    "tunnel"
)
OWN_NAME = (
    "is a host of this balancer, so that requests would go round in a circle: give the tunnel a "
    "public hostname of its own"
)
UNDER_A_ROUTE = (
    "is covered by a route with * of this Worker, so that a request could come back to it: name "
    "the public hostname in the route"
)
PLACEHOLDER = "is a placeholder: put your own host name in its place"

LOCAL_SUFFIXES = (
    # RFC 6762 3 and appendix G: names of multicast DNS, and of private networks.
    *("local", "intranet", "internal", "private", "corp", "home", "lan"),
    # RFC 8375; RFC 7686; names that routers and Linux distributions give.
    *("home.arpa", "onion", "localdomain", "domain", "fritz.box"),
)
PLACEHOLDERS = (
    # RFC 2606 and RFC 6761.
    *("example", "test", "invalid"),
    *("example.com", "example.net", "example.org"),
)

# https://developers.cloudflare.com/fundamentals/reference/network-ports/
PROXIED_PORTS = {
    "http": frozenset({80, 8080, 8880, 2052, 2082, 2086, 2095}),
    "https": frozenset({443, 2053, 2083, 2087, 2096, 8443}),
}
_URL = re.compile(r"(https?)://(\[[^\]]*\]|[^/:?#]+)(?::([0-9]+))?")


def local_problem(host: str, *, loopback: bool) -> str | None:
    """Return why Cloudflare cannot look up a host; None = it may."""
    if loopback:
        return LOOPBACK
    if "." not in host or _below(host, LOCAL_SUFFIXES):
        return LOCAL_NAME
    return None


def is_placeholder(host: str) -> bool:
    """Return whether a host name, or what a wildcard covers, is reserved for documentation."""
    return _below(host.removeprefix("*."), PLACEHOLDERS)


def _below(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


def doubtful_hosts(config: Config, paths: Paths, deployment: Deployment) -> Iterator[Doubt]:
    """Yield doubts about the hosts of origins, load balancers and notifications."""
    served = {lb.name for lb in config.load_balancers if lb.enabled} | deployment.hosts
    for pool in config.pools:
        for origin in pool.origins:
            yield from _origin(pool, origin, paths, served, deployment)
    for lb in config.load_balancers:
        if is_placeholder(lb.name):
            yield Doubt(DoubtKind.PLACEHOLDER, (paths.balancer(lb) / "name").text, PLACEHOLDER)
    for monitor in config.monitors:
        yield from _monitor_port(monitor, (paths.monitor(monitor) / "port").text)
    for told in config.notifications:
        if told.enabled:
            yield from _endpoint(told.url, paths.notification(told) / "url")


def _origin(
    pool: Pool, origin: Origin, paths: Paths, served: set[str], deployment: Deployment
) -> Iterator[Doubt]:
    found = _URL.fullmatch(origin.url)
    if found is None:
        return  # out of reach: the reading has noted why
    scheme, host, port = found[1], found[2], found[3]
    at = paths.address(pool, origin)
    problem = _local(origin.url, host)
    if problem:
        yield Doubt(DoubtKind.LOCAL, at, problem)
        return
    if is_placeholder(host):
        yield Doubt(DoubtKind.PLACEHOLDER, at, PLACEHOLDER)
    if host in served:
        yield Doubt(DoubtKind.CIRCLE, at, OWN_NAME)
    elif deployment.covers(host):
        yield Doubt(DoubtKind.MISTAKE, at, UNDER_A_ROUTE)
    if port and int(port) not in PROXIED_PORTS[scheme]:
        yield Doubt(DoubtKind.MISTAKE, at, _not_proxied(scheme, int(port)))


def _local(url: str, host: str) -> str | None:
    address = parse_address(url)
    return local_problem(host, loopback=isinstance(address, Address) and address.loopback)


def _monitor_port(monitor: Monitor, at: str) -> Iterator[Doubt]:
    if monitor.type not in {MonitorType.HTTP, MonitorType.HTTPS} or not monitor.port:
        return
    scheme = monitor.type.value
    if monitor.port not in PROXIED_PORTS[scheme]:
        yield Doubt(DoubtKind.MISTAKE, at, _not_proxied(scheme, monitor.port))


def _not_proxied(scheme: str, port: int) -> str:
    other = next((name for name, ports in PROXIED_PORTS.items() if port in ports), "")
    reason = f"takes {other} only at port {port}" if other else f"does not listen at port {port}"
    return (
        f"Cloudflare's proxy {reason}: for {scheme} to a tunnel's public hostname, leave the port "
        "out (the tunnel's ingress rule has the port of the service)"
    )


def _endpoint(url: str, at: Place) -> Iterator[Doubt]:
    found = _URL.match(url)
    if found is None:
        return
    problem = _local(found[0], found[2])
    if problem:
        words = problem.partition(":")[0]
        yield Doubt(DoubtKind.LOCAL, at.text, f"{words}: give a public host name")
    elif is_placeholder(found[2].lower()):
        yield Doubt(DoubtKind.PLACEHOLDER, at.text, PLACEHOLDER)
