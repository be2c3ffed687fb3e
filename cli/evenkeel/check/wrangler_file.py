"""wrangler.toml: the variables of the Worker, its routes, and doubts about its settings."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenkeel.check.located import Lines, Located, read
from lb.config import Problem
from lb.config.doubts import Deployment, Doubt, DoubtKind
from lb.config.doubts.doubtful_hosts import PLACEHOLDER, is_placeholder
from lb.config.reading.problems import Place
from lb.model import Config, SinkType

FLAGS = {
    "global_fetch_strictly_public": (
        "is not possible: requests for origins in the Worker's own zone would come back to it, "
        "because they go through Cloudflare's front door: remove it"
    ),
    "ignore_custom_ports": ("is not possible: the ports of origins would be ignored: remove it"),
}
"""Compatibility flags with which the balancer does not work.

https://developers.cloudflare.com/workers/configuration/compatibility-flags/
"""

_SETTINGS = (
    *("PRIMARY_DOMAIN", "STICKY_SESSIONS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_TTL"),
    *("BACKEND_DOWN_TIME", "MAX_RETRIES"),
    *("HEALTH_CHECK_PATH", "HEALTH_CHECK_INTERVAL", "HEALTH_CHECK_TIMEOUT"),
)
"""Variables that change the configuration which ORIGINS or BACKEND_* make."""
_BEFORE_HOST = re.compile(r"^(?:\*|https?)://")


@dataclass(frozen=True, slots=True)
class WranglerFile:
    """A wrangler.toml."""

    file: Path
    text: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Located, ...] = ()
    """Syntax errors."""

    @property
    def variables(self) -> Mapping[str, object]:
        """The Worker's variables."""
        found = self.document.get("vars")
        return found if isinstance(found, dict) else {}

    @property
    def deployment(self) -> Deployment:
        """The hosts of the Worker's routes."""
        hosts = [_host(pattern) for _, pattern in self._routes()]
        return Deployment(
            hosts=frozenset(host for host in hosts if "*" not in host),
            patterns=tuple(host for host in hosts if "*" in host),
        )

    def doubts(self, config: Config | None, *, by_variables: bool) -> Iterator[Doubt]:
        """Yield doubts about the settings; `by_variables`: whether variables name origins."""
        flags = self.document.get("compatibility_flags")
        for index, flag in enumerate(flags if isinstance(flags, list) else ()):
            if isinstance(flag, str) and flag in FLAGS:
                at = Place() / "compatibility_flags" / index
                yield Doubt(DoubtKind.FLAG, at.text, f"{flag} {FLAGS[flag]}")
        for path, pattern in self._routes():
            if is_placeholder(_host(pattern)):
                yield Doubt(DoubtKind.PLACEHOLDER, path, PLACEHOLDER)
        yield from self._misplaced()
        if not by_variables:
            yield from self._unused()
        if config is not None:
            yield from self._mail(config)

    def _routes(self) -> Iterator[tuple[str, str]]:
        """Yield the path and the pattern of each route."""
        listed = self.document.get("routes")
        routes = [
            (Place() / "routes" / index, each)
            for index, each in enumerate(listed if isinstance(listed, list) else ())
        ]
        if "route" in self.document:
            routes.append((Place() / "route", self.document["route"]))
        for place, each in routes:
            pattern = each.get("pattern") if isinstance(each, dict) else each
            if isinstance(pattern, str):
                yield place.text, pattern

    def _misplaced(self) -> Iterator[Doubt]:
        """Yield variables that stand outside of [vars]."""
        for place, table in _tables(self.document, Place()):
            for key in table:
                if key == "ORIGINS" or (key.startswith("BACKEND_") and key.isupper()):
                    yield Doubt(
                        DoubtKind.MISTAKE,
                        (place / key).text,
                        "is no variable here: move it below [vars]",
                    )

    def _unused(self) -> Iterator[Doubt]:
        """Yield settings of a configuration by variables, when no variable names an origin."""
        for name in self.variables:
            if name in _SETTINGS:
                yield Doubt(
                    DoubtKind.MISTAKE,
                    (Place() / "vars" / name).text,
                    "has no effect without ORIGINS or BACKEND_*: set it in loadbalancer.toml, or "
                    "name the origins here",
                )

    def _mail(self, config: Config) -> Iterator[Doubt]:
        """Yield bindings of e-mail notifications that the Worker does not have."""
        listed = self.document.get("send_email")
        bound = {
            each.get("name")
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict)
        }
        wanted = (
            told.binding
            for told in config.notifications
            if told.type is SinkType.EMAIL and told.enabled
        )
        for name in dict.fromkeys(wanted):
            if name not in bound:
                yield Doubt(
                    DoubtKind.MISTAKE,
                    "$.send_email",
                    f"no mail can be sent without the binding {name}: add [[send_email]] with "
                    f'name = "{name}" (docs/notifications.md)',
                )


def read_wrangler_file(file: Path) -> WranglerFile:
    """Read a wrangler.toml; UsageError if it cannot be read."""
    text = read(file)
    try:
        return WranglerFile(file, text, tomllib.loads(text))
    except ValueError as error:
        problem = Problem("$", f"is not TOML: {error}")
        return WranglerFile(file, text, problems=Lines(file, text).all([problem]))


def _host(pattern: str) -> str:
    return _BEFORE_HOST.sub("", pattern).partition("/")[0].lower()


def _tables(document: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield every table but those of variables; environments have their own."""
    yield place, document
    for key, value in document.items():
        below: Iterable[tuple[Place, Any]] = [(place / key, value)]
        if isinstance(value, list):
            below = [(place / key / index, each) for index, each in enumerate(value)]
        for at, each in below:
            if isinstance(each, dict) and key != "vars":
                yield from _tables(each, at)
