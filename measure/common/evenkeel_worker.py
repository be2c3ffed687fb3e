"""Evenkeel from src/ as a peer, with its configurations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from evenkeel.dev import checkout
from measure.common.peers import Place, Running
from measure.common.traffic import HOST_NAME
from measure.common.workerd import Worker, origin_urls

STATE = "State"
"""The class of its Durable Object, bound as in wrangler.toml."""

MONITOR = """
[[monitors]]
name = "web"
type = "http"
path = "/health"
expected_codes = "2xx,3xx"
interval = 30
timeout = 5
"""

# Two tunnels, active-passive.
TWO_POOLS = """
[[pools]]
name = "primary"
monitor = "web"
origins = [{ name = "server-1", address = "$first" }]

[[pools]]
name = "replica"
monitor = "web"
origins = [{ name = "server-2", address = "$second" }]

[[load_balancers]]
name = "$host"
default_pools = ["primary", "replica"]
fallback_pool = "primary"
"""

# Two tunnels that share the clients.
POOL_OF_TWO = """
[[pools]]
name = "servers"
monitor = "web"
origins = [
  { name = "server-1", address = "$first" },
  { name = "server-2", address = "$second" },
]
"""
BEFORE_POOL_OF_TWO = """
[[load_balancers]]
name = "$host"
default_pools = ["servers"]
fallback_pool = "servers"
"""
ONE_POOL = POOL_OF_TWO + BEFORE_POOL_OF_TWO

# Active-passive with sessions.
ACTIVE_PASSIVE = (
    MONITOR
    + TWO_POOLS
    + """\
steering_policy = "off"
session_affinity = "cookie"
"""
)

# Two tunnels that share the clients by their addresses.
BY_ADDRESS = (
    MONITOR
    + POOL_OF_TWO
    + 'origin_steering = { policy = "hash" }\n'
    + BEFORE_POOL_OF_TWO
    + 'session_affinity = "none"\n'
)

# Health that is refreshed and changes all the time: on the slow health path every probe waits, and
# the second origin fails every other time.
PROBED_EACH_SECOND = (
    ACTIVE_PASSIVE.replace('path = "/health"', 'path = "/slow"\nconsecutive_up = 0')
    .replace("interval = 30", "interval = 1\nretries = 0\nconsecutive_down = 0")
    .replace("timeout = 5", "timeout = 0.9")
    + """
[state]
refresh = 1
"""
)


@dataclass(frozen=True, slots=True)
class Evenkeel:
    """The balancer.

    `config` is a loadbalancer.toml in which $host, $first and $second are replaced, and $origin_1,
    $origin_2 and so on where there are more origins.
    """

    name: str
    config: str
    served_by: tuple[str, ...]
    source: Path = checkout.SOURCE
    state: bool = False
    """Whether it has its Durable Object."""

    def missing(self) -> str:
        """The path of the source if there is none, else ""."""
        return "" if (self.source / "entry.py").exists() else f"{self.source} has no entry.py"

    def start(self, place: Place) -> Running:
        """Start a copy, so that the source may be edited meanwhile."""
        names = [
            path.relative_to(self.source).as_posix()
            for path in sorted(self.source.rglob("*.py"))
            if "__pycache__" not in path.parts
        ]
        names.sort(key=lambda name: name != "entry.py")  # the entry comes first
        files = {name: (self.source / name).read_text() for name in names}
        urls = origin_urls(place.origins)
        files["loadbalancer.toml"] = Template(self.config).substitute(
            {f"origin_{number}": url for number, url in enumerate(urls, 1)},
            host=HOST_NAME,
            first=urls[0],
            second=urls[1],
        )
        return Worker(files, python=True, state=STATE if self.state else "").start(place)
