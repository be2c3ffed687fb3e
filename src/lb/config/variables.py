"""Parses a Worker's variables into a Config, for two tunnels without a file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lb.config.document import Invalid, Parsed, Source, parse
from lb.config.reading.host_names import Address, parse_address
from lb.config.reading.problems import Place, Problem, kind_of, shown

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

_PLACE = re.compile(r"\$[\w.\[\]]+")
_BACKEND = "BACKEND_"
_NOT_ORIGINS = frozenset({"BACKEND_DOWN_TIME"})
"""Variables with the prefix of an origin's that name no origin."""

_LONGEST_WORD = 12
_MOST_RETRIES = 19
_MOST_SECONDS = 604_800
_INTERVAL = 30_000
_TIMEOUT = 5_000
_IN_SECONDS = "in seconds; the variable is in milliseconds"


def from_variables(variables: Mapping[str, object]) -> Parsed | None:
    """The configuration that variables describe; None = no origin named."""
    source = source_in(variables)
    return None if source is None else source.parsed


def source_in(variables: Mapping[str, object]) -> Source | None:
    """The variables' document, and its configuration or problems; None = no origin named."""
    reading = _Reading(variables)
    backends = {
        name: value
        for name in variables
        if name.startswith(_BACKEND) and name not in _NOT_ORIGINS
        if (value := reading.text(name))
    }
    origins = reading.text("ORIGINS").replace(",", " ").split()
    if reading.text("ORIGINS") and backends:
        reading.refuse("ORIGINS", "choose one: ORIGINS, or BACKEND_* variables, not both")
        _active_passive(reading, origins)
    elif backends:
        _active_active(reading, backends)
    elif origins:
        _active_passive(reading, origins)
    elif reading.text("ORIGINS"):
        reading.refuse("ORIGINS", "names no origin")
        _active_passive(reading, origins)
    elif not any(_names_origins(problem.path) for problem in reading.problems):
        return None
    behind = {place: variable for place, (variable, _) in reading.sources.items()}
    return Source(reading.document, reading.parsed(), short_sessions=True, variables=behind)


def _names_origins(path: str) -> bool:
    return "ORIGINS" in path or _BACKEND in path


@dataclass(slots=True)
class _Reading:
    """A document made from variables, with the variable behind each place."""

    variables: Mapping[str, object]
    document: dict[str, object] = field(default_factory=dict)
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Place in the document -> variable, and the meaning of its value there."""
    problems: dict[Problem, None] = field(default_factory=dict)
    """Problems in order, each once."""
    clamped: dict[str, str] = field(default_factory=dict)
    """Notes on values that are too large, by path."""

    def refuse(self, variable: str, message: str) -> None:
        self.problems[Problem(_path(variable), message)] = None

    def text(self, variable: str) -> str:
        value = self.variables.get(variable)
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool | int | float):
            return kind_of(value)
        advice = ": write all of it in one text, with commas" if isinstance(value, list) else ""
        self.refuse(variable, f"must be text, not {kind_of(value)}{advice}")
        return ""

    def flag(self, variable: str) -> bool:
        word = self.text(variable).lower()
        if word and word not in _TRUE | _FALSE:
            self.refuse(variable, f"must be true or false, not {_word(word)}")
        return word in _TRUE

    def number(self, variable: str) -> int | float | None:
        """A number; None = not set, or not a number."""
        word = self.text(variable)
        try:
            number = float(word) if word else None
        except ValueError:
            number = math.nan
        if number is None or math.isfinite(number):
            return int(number) if number is not None and number.is_integer() else number
        self.refuse(variable, f"must be a number, not {_word(word)}")
        return None

    def at_most(self, variable: str, most: int) -> int | float | None:
        """A number, or the largest possible one with a note."""
        number = self.number(variable)
        if number is None or number <= most:
            return number
        self.clamped[_path(variable)] = f"{kind_of(number)} is too large: {most} is used"
        return most

    def milliseconds(self, variable: str) -> float | None:
        """A time in seconds."""
        number = self.number(variable)
        return None if number is None else number / 1000

    def note(self, at: Place, variable: str, meaning: str = "") -> None:
        self.sources[at.text] = (variable, meaning)

    def parsed(self) -> Parsed:
        """The document's configuration, with problems at the variables that caused them."""
        found = parse(self.document, short_sessions=True) if self.document else Invalid(())
        if isinstance(found, Invalid):
            known = {problem.path for problem in self.problems}
            for problem in found.problems:
                variable, meaning = self._source(problem.path)
                if _path(variable) not in known:
                    explained = f" ({meaning})" if meaning else ""
                    message = _PLACE.sub(self._named, problem.message)
                    self.refuse(variable, message + explained)
        if self.problems or isinstance(found, Invalid):
            return Invalid(tuple(self.problems))
        notes = {_path(self._source(path)[0]): note for path, note in found.unheeded.items()}
        return replace(found, unheeded={**notes, **self.clamped})

    def _named(self, place: re.Match[str]) -> str:
        """The variable behind a place that a message mentions."""
        return self._source(place[0])[0]

    def _source(self, path: str) -> tuple[str, str]:
        while path not in self.sources:
            cut = max(path.rfind("."), path.rfind("["))
            if cut <= 0:
                return ("ORIGINS", "")
            path = path[:cut]
        return self.sources[path]


def _word(text: str) -> str:
    """Text as shown in a message; long text may be a secret and is not shown."""
    return shown(text) if len(text) <= _LONGEST_WORD else "text"


def _path(variable: str) -> str:
    return (Place() / "vars" / variable).text


def _active_passive(reading: _Reading, origins: list[str]) -> None:
    """ORIGINS: a pool for each, in failover order."""
    schemes: dict[str, str] = {}
    pools: list[object] = []
    for number, text in enumerate(origins, start=1):
        address = parse_address(text)
        if isinstance(address, str):
            reading.refuse("ORIGINS", f"origin {number}: {address}")
            continue
        scheme, host = _scheme_and_host(address)
        if host in schemes:
            reading.refuse("ORIGINS", f"origin {number}: {shown(host)} is listed twice")
            continue
        schemes[host] = scheme
        origin = {"name": host, "address": text}
        pools.append({"name": host, "monitor": scheme, "origins": [origin]})
    # The other variables are still checked when no origin is left.
    names = list(schemes) or ["ORIGINS"]
    codes = "2xx,3xx" if reading.text("HEALTH_CHECK_PATH") else "200-499"
    reading.document["monitors"] = [
        _monitor(reading, index, scheme, codes)
        for index, scheme in enumerate(dict.fromkeys(schemes.values()) or ["https"])
    ]
    reading.document["pools"] = pools
    reading.note(Place() / "pools", "ORIGINS")
    balancer: dict[str, object] = {"default_pools": names, "fallback_pool": names[0]}
    _finish(reading, balancer, "ORIGINS")


def _active_active(reading: _Reading, backends: dict[str, str]) -> None:
    """BACKEND_*: one pool, steered by the client's address."""
    pool: dict[str, object] = {
        "name": "backends",
        "origin_steering": {"policy": "hash"},
        "origins": [
            {"name": name.removeprefix(_BACKEND).lower().replace("_", "-"), "address": value}
            for name, value in backends.items()
        ],
    }
    at = Place() / "pools" / 0
    for index, name in enumerate(backends):
        reading.note(at / "origins" / index, name)
    reading.note(at, next(iter(backends)))
    if reading.text("HEALTH_CHECK_PATH"):
        schemes = {_scheme(value) for value in backends.values()}
        kind = "http" if schemes == {"http"} else "https"
        reading.document["monitors"] = [_monitor(reading, 0, kind, "2xx,3xx")]
        pool["monitor"] = kind
    reading.document["pools"] = [pool]
    balancer: dict[str, object] = {
        "default_pools": ["backends"],
        "fallback_pool": "backends",
        "https_redirect": True,
        "failover": {"retry_on": "5xx"},
        "ejection": {"base_time": 30, "consecutive_statuses": 1},
    }
    if reading.flag("STICKY_SESSIONS"):
        balancer["session_affinity_ttl"] = 86_400
    _finish(reading, balancer, next(iter(backends)))


def _finish(reading: _Reading, balancer: dict[str, object], source: str) -> None:
    """The settings that ORIGINS and BACKEND_* share."""
    at = Place() / "load_balancers" / 0
    reading.note(at, source)
    balancer["name"] = reading.text("PRIMARY_DOMAIN") or "*"
    reading.note(at / "name", "PRIMARY_DOMAIN")
    if reading.flag("STICKY_SESSIONS"):
        balancer["session_affinity"] = "cookie"
    cookie = reading.text("SESSION_COOKIE_NAME")
    if cookie:
        balancer["cookie_name"] = cookie
        reading.note(at / "cookie_name", "SESSION_COOKIE_NAME")
    ttl = reading.at_most("SESSION_COOKIE_TTL", _MOST_SECONDS)
    if ttl is not None:
        balancer["session_affinity_ttl"] = ttl
        reading.note(at / "session_affinity_ttl", "SESSION_COOKIE_TTL")
    down = reading.milliseconds("BACKEND_DOWN_TIME")
    if down is not None:
        # After the first failure, for a fixed time without growth, as in that Worker.
        balancer["ejection"] = {"base_time": down, "max_time": down, "consecutive_statuses": 1}
        reading.note(at / "ejection", "BACKEND_DOWN_TIME", _IN_SECONDS)
    retries = reading.at_most("MAX_RETRIES", _MOST_RETRIES)
    if retries is not None:
        failover = balancer.setdefault("failover", {})
        if isinstance(failover, dict):
            failover["tries"] = retries + 1
        reading.note(at / "failover", "MAX_RETRIES", "tries, which is one more than retries")
    reading.document["load_balancers"] = [balancer]


def _monitor(reading: _Reading, index: int, kind: str, codes: str) -> dict[str, object]:
    at = Place() / "monitors" / index
    interval = reading.milliseconds("HEALTH_CHECK_INTERVAL")
    seconds = math.ceil(_INTERVAL / 1000 if interval is None else interval)
    timeout = reading.milliseconds("HEALTH_CHECK_TIMEOUT")
    # A default timeout is shortened for a short interval.
    default_timeout = min(_TIMEOUT / 1000, seconds / 2)
    reading.note(at / "path", "HEALTH_CHECK_PATH")
    reading.note(at / "interval", "HEALTH_CHECK_INTERVAL", _IN_SECONDS)
    timeout_source = "HEALTH_CHECK_INTERVAL" if timeout is None else "HEALTH_CHECK_TIMEOUT"
    reading.note(at / "timeout", timeout_source, _IN_SECONDS)
    return {
        "name": kind,
        "type": kind,
        "path": reading.text("HEALTH_CHECK_PATH") or "/",
        "expected_codes": codes,
        "interval": seconds,
        "timeout": default_timeout if timeout is None else timeout,
    }


def _scheme(text: str) -> str:
    address = parse_address(text)
    return "https" if isinstance(address, str) else _scheme_and_host(address)[0]


def _scheme_and_host(address: Address) -> tuple[str, str]:
    """The host, with its port unless that is the scheme's own, names a pool and its origin."""
    scheme, _, host = address.url().partition("://")
    # The brackets of an IPv6 address are no part of a name.
    return scheme, host.replace("[", "").replace("]", "")
