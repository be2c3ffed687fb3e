"""The checked configuration: monitors, pools, origins, load balancers.

Names and values are those of Cloudflare's load balancing API
(https://developers.cloudflare.com/api/resources/load_balancers/). Times are seconds.
Everything is frozen, and references are resolved to the objects themselves.
"""

from lb.model.config import Access, Admin, Config, Notification, State
from lb.model.enums import (
    Health,
    MonitorType,
    OriginSteeringPolicy,
    PoolHealth,
    Region,
    SameSite,
    Secure,
    Sensitivity,
    SessionAffinity,
    SheddingPolicy,
    SinkType,
    SteeringPolicy,
    ZeroDowntimeFailover,
)
from lb.model.header_secrets import HeaderValue, SecretName
from lb.model.keys import OriginKey
from lb.model.load_balancers import (
    DEFAULT_RETRY_ON,
    AdaptiveRouting,
    Ejection,
    Failover,
    FixedResponse,
    HeaderEdits,
    LoadBalancer,
    Mirror,
    PoolSet,
    RandomSteering,
    Rule,
    SessionAffinityAttributes,
    Topology,
)
from lb.model.monitors import CodeRange, Member, Monitor, MonitorGroup, Watch
from lb.model.pools import AlertFilter, LoadShedding, NotificationFilter, Origin, Pool, Window

__all__ = [
    "DEFAULT_RETRY_ON",
    "Access",
    "AdaptiveRouting",
    "Admin",
    "AlertFilter",
    "CodeRange",
    "Config",
    "Ejection",
    "Failover",
    "FixedResponse",
    "HeaderEdits",
    "HeaderValue",
    "Health",
    "LoadBalancer",
    "LoadShedding",
    "Member",
    "Mirror",
    "Monitor",
    "MonitorGroup",
    "MonitorType",
    "Notification",
    "NotificationFilter",
    "Origin",
    "OriginKey",
    "OriginSteeringPolicy",
    "Pool",
    "PoolHealth",
    "PoolSet",
    "RandomSteering",
    "Region",
    "Rule",
    "SameSite",
    "SecretName",
    "Secure",
    "Sensitivity",
    "SessionAffinity",
    "SessionAffinityAttributes",
    "SheddingPolicy",
    "SinkType",
    "State",
    "SteeringPolicy",
    "Topology",
    "Watch",
    "Window",
    "ZeroDowntimeFailover",
]
