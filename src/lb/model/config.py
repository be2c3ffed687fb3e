"""The whole configuration, with notifications and access for operators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model.enums import SinkType
    from lb.model.load_balancers import LoadBalancer
    from lb.model.monitors import Monitor, MonitorGroup
    from lb.model.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Operators who sign in through Cloudflare Access.

    https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
    """

    team: str
    """URL of the team domain, which issues the JWTs."""
    audience: str
    """AUD tag of the application."""
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    """E-mail addresses, or client ids of service tokens, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Path and access of the admin API, which needs the secret LB_ADMIN_TOKEN or `access`."""

    path: str = "/_lb"
    access: Access | None = None
    cors_origins: tuple[str, ...] = ()
    """Web origins whose pages may send a token and read the answers (CORS)."""
    public_page: bool = False
    """Whether the public page shows which load balancers are up."""
    account_id: str = ""
    """The only account id that the API accepts; empty = any, each with objects of its own."""
    zone_id: str = ""
    """The only zone id that the API accepts, as with `account_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Distribution of the shared health to the isolates."""

    refresh: int | None = None
    """Seconds between two pulls of an isolate; None = chosen for the monitors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A receiver of messages about incidents. SinkType has the keys that each type uses."""

    name: str
    type: SinkType
    enabled: bool = True
    pools: tuple[str, ...] = ()
    """Names of the pools that it covers; empty = all."""
    notify_after: float = 60
    """Seconds for which a state must last before a message is sent."""
    secret: str = ""
    """Name of a secret of the Worker, never its value."""
    url: str = ""
    """URL of the requests; "" = the default of the type, or the secret is the URL."""
    topic: str = ""
    chat_id: str = ""
    to: str = ""
    sender: str = ""
    binding: str = "LB_EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The configuration from any source: file, variables or API."""

    load_balancers: tuple[LoadBalancer, ...]
    pools: tuple[Pool, ...]
    monitors: tuple[Monitor, ...] = ()
    monitor_groups: tuple[MonitorGroup, ...] = ()
    notifications: tuple[Notification, ...] = ()
    admin: Admin = Admin()
    state: State = State()
    kept: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Values by path, as given, of fields without effect in a Worker."""
    unheeded: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Notes by path on values that were accepted and have no effect, or another one."""

    def users_of(self, pool: str) -> str:
        """Return the names of the load balancers that use a pool, separated by commas."""
        users = (lb.name for lb in self.load_balancers if any(p.name == pool for p in lb.watched))
        return ", ".join(users)
