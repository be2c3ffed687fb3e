"""A configuration as a whole, with whom to tell and who may change it."""

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
    """Who Cloudflare Access lets in counts as an operator.

    https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
    """

    team: str
    """The URL of the team's domain, which issues the JWTs."""
    audience: str
    """The application's AUD tag."""
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    """Mail addresses, or client ids of service tokens, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Where the admin API is served, and to whom; without its token it does not exist."""

    path: str = "/_lb"
    access: Access | None = None
    cors_origins: tuple[str, ...] = ()
    """Origins of pages that may show a token and read the answers."""
    public_page: bool = False
    """Whether anybody may see which load balancers are up."""
    account_id: str = ""
    """The only account id that the API knows; empty: any, each with its own objects."""
    zone_id: str = ""
    """Of zones, as `account_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How the view of health that isolates share gets to them."""

    refresh: int = 30
    """Seconds after which an isolate asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Whom to tell of incidents, and how. Of the fields below `secret`, each type has its own."""

    name: str
    type: SinkType
    enabled: bool = True
    pools: tuple[str, ...] = ()
    """Names of the pools that it is about; none: all."""
    notify_after: float = 60
    """Seconds that a state must have lasted before it is told."""
    secret: str = ""
    """The name of a secret of the Worker, never the secret itself."""
    url: str = ""
    """Where requests go; "" is the type's own place, or the secret holds it."""
    topic: str = ""
    chat_id: str = ""
    to: str = ""
    sender: str = ""
    binding: str = "LB_EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything an operator said, whichever way it came in."""

    load_balancers: tuple[LoadBalancer, ...]
    pools: tuple[Pool, ...]
    monitors: tuple[Monitor, ...] = ()
    monitor_groups: tuple[MonitorGroup, ...] = ()
    notifications: tuple[Notification, ...] = ()
    admin: Admin = Admin()
    state: State = State()
    kept: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Fields that a Worker cannot act on, by path, as they were given."""
    unheeded: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What a lenient reading did not heed: why, by path."""

    def users_of(self, pool: str) -> str:
        """Return the names of the load balancers that use a pool, as a person lists them."""
        users = (lb.name for lb in self.load_balancers if any(p.name == pool for p in lb.watched))
        return ", ".join(users)
