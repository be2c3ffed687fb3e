"""Parses a document (TOML or JSON) into a Config, or into all of its problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from lb.config.objects.admin_fields import ADMIN
from lb.config.objects.load_balancer_fields import LOAD_BALANCER, make_load_balancer
from lb.config.objects.monitor_fields import (
    MONITOR,
    MONITOR_GROUP,
    make_group,
    make_monitor,
    probes,
    votes,
)
from lb.config.objects.notification_fields import NOTIFICATION, make_notification
from lb.config.objects.origin_fields import HOST_IGNORED, HOST_UNKNOWN, hosts_of
from lb.config.objects.pool_fields import POOL, make_pool
from lb.config.objects.secret_uses import check_secrets
from lb.config.reading.problems import Place, Problem, Reader, nearest, shown
from lb.config.reading.tables import Field, Record, Table
from lb.config.reading.values import ListOf, Ref, Whole
from lb.model import (
    Admin,
    Config,
    LoadBalancer,
    Monitor,
    MonitorGroup,
    Notification,
    Pool,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Named = TypeVar("Named", Monitor, MonitorGroup, Pool, LoadBalancer, Notification)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A configuration that cannot be used."""

    problems: tuple[Problem, ...]


Parsed = Config | Invalid


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a configuration: the file, or variables in its place."""

    document: Mapping[str, object]
    parsed: Parsed
    short_sessions: bool = False
    """Whether sessions may be shorter than Cloudflare allows (`parse`)."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Path of a value in the document -> variable that it comes from; empty for a file."""

    def place_of(self, path: str) -> str:
        """The place of a value where the operator wrote it: in the document, or a variable."""
        if not self.variables or path.startswith("$.vars."):
            return path
        while path not in self.variables:
            cut = max(path.rfind("."), path.rfind("["))
            if cut <= 0:
                return (Place() / "vars" / "ORIGINS").text
            path = path[:cut]
        return (Place() / "vars" / self.variables[path]).text


STATE = Table(
    name="state",
    doc="How the health that all isolates share gets to them (docs/state.md).",
    make=lambda record, reader: record.build(State),  # noqa: ARG005
    fields=(
        Field(
            "refresh",
            Whole(1, 60),
            None,
            "Seconds after which an isolate asks again; each time is a request to the object. Not "
            "given: the shortest `consecutive_down` x `interval` of the monitors, 10 to 30 "
            "(docs/state.md).",
        ),
    ),
)

DOCUMENT = Table(
    name="document",
    doc="A whole configuration.",
    fields=(
        Field("load_balancers", ListOf(kind=LOAD_BALANCER, most=1000), [], "What is served."),
        Field("pools", ListOf(kind=POOL, most=1000), [], "Groups of origins."),
        Field("monitors", ListOf(kind=MONITOR, most=1000), [], "How health is probed."),
        Field("notifications", ListOf(kind=NOTIFICATION, most=50), [], "Whom to tell."),
        Field("admin", ADMIN, {}, "The admin API."),
        Field("state", STATE, {}, "How the health that all isolates share gets to them."),
        Field(
            "monitor_groups",
            ListOf(kind=MONITOR_GROUP, most=1000),
            [],
            "Monitors that vote.",
        ),
    ),
)


class Index(Generic[Named]):
    """Objects of one kind by name, and the names of refused objects."""

    def __init__(self, kind: str, document: object, key: str, named_by: str = "name") -> None:
        self._kind = kind
        self._named_by = named_by
        self._objects: dict[str, tuple[Named, Place]] = {}
        self._written = set(_names(document, key, named_by))

    def add(self, named: Named, at: Place, reader: Reader) -> None:
        """Add an object; a second one with the same name is a problem."""
        if not named.name:
            return
        _, first = self._objects.setdefault(named.name, (named, at))
        if first is not at:
            at = at / self._named_by
            reader.refuse(at, f"{shown(named.name)} is the name of {first} already")

    def find(self, ref: Ref, reader: Reader) -> Named | None:
        """The object that a name stands for."""
        found = self._objects.get(ref.name)
        if found:
            return found[0]
        # A refused object is not unknown: its own problem says what is wrong.
        if ref.name not in self._written:
            hint = nearest(ref.name, self._objects)
            reader.refuse(ref.at, f"there is no {self._kind} named {shown(ref.name)}{hint}")
        elif reader.lenient:
            reader.note(ref.at, f"nothing is probed: a Worker cannot run this {self._kind}")
        return None

    @property
    def all(self) -> tuple[Named, ...]:
        """Every object, in the document's order."""
        return tuple(named for named, _ in self._objects.values())


def parse(
    document: Mapping[str, object], *, short_sessions: bool = False, lenient: bool = False
) -> Parsed:
    """The configuration that a document describes, or everything that is wrong with it.

    `short_sessions` lets a session last less than Cloudflare's shortest. What has no effect is
    noted in `Config.unheeded` by its path. A `lenient` reading takes what Cloudflare's own API
    takes: what a Worker cannot do is ignored and noted too; what no balancer can do stays a
    problem.
    """
    reader = Reader(short_sessions=short_sessions, lenient=lenient)
    top = DOCUMENT.read(document, Place(), reader)
    record = top if isinstance(top, Record) else Record(Place())
    monitors: Index[Monitor] = Index("monitor", document, "monitors")
    for each in record.records("monitors"):
        monitor = make_monitor(each, reader)
        if probes(each, reader):
            monitors.add(monitor, each.at, reader)
    groups: Index[MonitorGroup] = Index("monitor group", document, "monitor_groups", "id")
    for each in record.records("monitor_groups"):
        made = make_group(each, lambda ref: monitors.find(ref, reader), reader)
        if votes(each, reader):
            groups.add(made, each.at, reader)
    pools: Index[Pool] = Index("pool", document, "pools")
    for each in record.records("pools"):
        watching = _found(each.values.get("monitor"), monitors, reader)
        group = _found(each.values.get("monitor_group"), groups, reader)
        pool = make_pool(each, watching, group, reader)
        pools.add(pool, each.at, reader)
    _check_probe_hosts(record, pools.all, reader)
    served: Index[LoadBalancer] = Index("load balancer", document, "load_balancers")
    for each in record.records("load_balancers"):
        balancer = make_load_balancer(each, lambda ref: pools.find(ref, reader), reader)
        if balancer:
            served.add(balancer, each.at, reader)
    told: Index[Notification] = Index("notification", document, "notifications")
    for each in record.records("notifications"):
        notification = make_notification(each, lambda ref: pools.find(ref, reader), reader)
        told.add(notification, each.at, reader)
    check_secrets(record, told.all, reader)
    if reader.problems:
        return Invalid(tuple(dict.fromkeys(reader.problems)))
    admin = record.values.get("admin")
    state = record.values.get("state")
    return Config(
        load_balancers=served.all,
        pools=pools.all,
        monitors=monitors.all,
        monitor_groups=groups.all,
        notifications=told.all,
        admin=admin if isinstance(admin, Admin) else Admin(),
        state=state if isinstance(state, State) else State(),
        kept=reader.kept,
        unheeded=reader.unheeded,
    )


def json_schema() -> dict[str, object]:
    """JSON Schema of a configuration file: it accepts every file that `parse` accepts.

    The reverse does not hold: references and rules about several keys are `parse`'s alone.
    """
    return {
        # The draft that TOML editors support best.
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Evenkeel load balancer",
        **DOCUMENT.schema(),
    }


def _names(document: object, key: str, named_by: str) -> Iterable[str]:
    listed = document.get(key) if isinstance(document, Mapping) else None
    for each in listed if isinstance(listed, list | tuple) else ():
        name = each.get(named_by) if isinstance(each, Mapping) else None
        if isinstance(name, str):
            yield name


def _found(ref: object, index: Index[Named], reader: Reader) -> Named | None:
    return index.find(ref, reader) if isinstance(ref, Ref) else None


def _check_probe_hosts(record: Record, pools: tuple[Pool, ...], reader: Reader) -> None:
    """Note a monitor's Host header that is not the host of each probed origin's address."""
    for each in record.records("monitors"):
        probed = [
            origin
            for pool in pools
            if any(one.name == each.text("name") for one in pool.monitors)
            for origin in pool.origins
            if origin.url
        ]
        for name, values in each.headers("header"):
            if name.lower() != "host":
                continue
            if not probed:
                reader.note(each.at / "header" / name, HOST_UNKNOWN)
            elif any(
                str(value).lower() not in hosts_of(origin.url)  # a secret is no host
                for value in values
                for origin in probed
            ):
                reader.note(each.at / "header" / name, HOST_IGNORED)
