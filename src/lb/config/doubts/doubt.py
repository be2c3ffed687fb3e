"""A doubt, and what becomes of it at each stage: the only place that decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class DoubtKind(Enum):
    """Kinds of doubt."""

    LOCAL = "local"
    """A host that only this machine or its network can look up."""
    CIRCLE = "circle"
    """An origin that is the balancer itself."""
    PLACEHOLDER = "placeholder"
    """A name that is reserved for documentation."""
    FLAG = "flag"
    """A compatibility flag with which the balancer does not work."""
    MISTAKE = "mistake"
    """A setting that can never do what it says."""
    WITHOUT_EFFECT = "without effect"
    """An accepted value that changes nothing, or was replaced by another one."""


class Stage(Enum):
    """What a configuration is looked at for."""

    DEV = "dev"
    """A run on this machine: `evenkeel dev`."""
    CHECK = "check"
    """`evenkeel check`."""
    DEPLOY = "deploy"
    """An upload: `make deploy`."""
    API = "api"
    """A change of a running balancer."""


class Treatment(Enum):
    """What becomes of a doubt."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


_NEVER_DEPLOYED = {
    Stage.DEV: Treatment.ALLOW,
    Stage.CHECK: Treatment.REFUSE,
    Stage.DEPLOY: Treatment.REFUSE,
    # What is stored keeps serving after an upgrade, and Cloudflare's API takes any address.
    Stage.API: Treatment.WARN,
}
_WARNED = dict.fromkeys(Stage, Treatment.WARN)

TREATMENTS: Mapping[DoubtKind, Mapping[Stage, Treatment]] = {
    DoubtKind.LOCAL: _NEVER_DEPLOYED,
    DoubtKind.CIRCLE: _NEVER_DEPLOYED,
    DoubtKind.FLAG: _NEVER_DEPLOYED,
    DoubtKind.PLACEHOLDER: {
        Stage.DEV: Treatment.ALLOW,
        Stage.CHECK: Treatment.WARN,
        Stage.DEPLOY: Treatment.REFUSE,
        Stage.API: Treatment.ALLOW,
    },
    DoubtKind.MISTAKE: _WARNED,
    DoubtKind.WITHOUT_EFFECT: _WARNED,
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One doubt."""

    kind: DoubtKind
    path: str
    """Place in the document, as of a Problem."""
    message: str
    """What is wrong, and what to do."""


def treated(doubt: Doubt, stage: Stage) -> Treatment:
    """Return what becomes of a doubt at a stage."""
    return TREATMENTS[doubt.kind][stage]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Hosts of the Worker that wrangler.toml names."""

    hosts: frozenset[str] = frozenset()
    """Hosts of custom domains, and of routes without a wildcard."""
    patterns: tuple[str, ...] = ()
    """Hosts of routes with a wildcard: `*.example.com`, `*example.com` or `*`."""

    def covers(self, host: str) -> bool:
        """Return whether a route with a wildcard covers a host."""
        # https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior
        # "*" alone covers the hosts of its zone, which is unknown here.
        covering = (pattern.removeprefix("*") for pattern in self.patterns)
        return any(end and host.endswith(end) for end in covering)


NOWHERE = Deployment()
