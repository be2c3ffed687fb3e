"""Pools and origins: their fields, and the rules that join several of them.

https://developers.cloudflare.com/api/resources/load_balancers/subresources/pools/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.objects.origin_fields import ORIGIN, address_text, make_origin, port_of
from lb.config.reading.host_names import Address
from lb.config.reading.moments import MAINTENANCE, Moment
from lb.config.reading.names import DESCRIPTION, POOL_NAME
from lb.config.reading.problems import shown
from lb.config.reading.tables import REQUIRED, Field, Record, Standing, Table
from lb.config.reading.values import (
    Boolean,
    Choice,
    ListOf,
    Number,
    Reference,
    Text,
    Whole,
    choice_of,
    one_of,
)
from lb.model import (
    AlertFilter,
    LoadShedding,
    Monitor,
    MonitorGroup,
    NotificationFilter,
    OriginSteeringPolicy,
    Pool,
    Region,
    SheddingPolicy,
)

if TYPE_CHECKING:
    from lb.config.reading.problems import Place, Reader


_KEPT = Standing.KEPT

ALL_REGIONS = "ALL_REGIONS"
CHECK_REGION = Choice(
    values={**{region.value: region for region in Region}, ALL_REGIONS: ALL_REGIONS},
    impossible={"CHINA": "Durable Objects, which probe, cannot be placed there"},
)

ORIGIN_STEERING = Table(
    name="pools.origin_steering",
    doc="How a pool spreads requests over its origins.",
    make=lambda record, reader: record.values.get("policy", OriginSteeringPolicy.RANDOM),  # noqa: ARG005
    fields=(
        Field(
            "policy",
            choice_of(OriginSteeringPolicy),
            "random",
            "`random` by weight; `hash`: the same client address, the same origin; the others: "
            "where the fewest are open for its weight.",
            unset=("",),
        ),
    ),
)

_DECAY = "with each request a session would be less likely to stay"

LOAD_SHEDDING = Table(
    name="pools.load_shedding",
    doc="Sends a part of a pool's requests to other pools.",
    make=lambda record, reader: record.build(LoadShedding),  # noqa: ARG005
    fields=(
        Field("default_percent", Number(0, 100), 0, "Of the requests without a session."),
        Field(
            "default_policy",
            choice_of(SheddingPolicy),
            "random",
            "`random`: any of them; `hash`: all of some client addresses.",
        ),
        Field("session_percent", Number(0, 100), 0, "Of the sessions that there are already."),
        Field(
            "session_policy",
            choice_of(SheddingPolicy, impossible={SheddingPolicy.RANDOM: _DECAY}),
            "hash",
            "Which of them: all of some client addresses.",
        ),
    ),
)


def _alerts(key: str, doc: str) -> Table:
    return Table(
        name=f"pools.notification_filter.{key}",
        doc=doc,
        make=lambda record, reader: record.build(AlertFilter),  # noqa: ARG005
        fields=(
            Field("disable", Boolean(), False, "Whether none is told."),
            Field("healthy", Boolean(), None, "Only changes to this are told; not given: both."),
        ),
    )


POOL_ALERTS = _alerts("pool", "Changes of the pool's own health.")
ORIGIN_ALERTS = _alerts("origin", "Changes of an origin's health.")
NOTIFICATION_FILTER = Table(
    name="pools.notification_filter",
    doc="Which changes of health the `notifications` tell.",
    make=lambda record, reader: record.build(NotificationFilter),  # noqa: ARG005
    fields=(
        Field("pool", POOL_ALERTS, {}, "Of the pool itself."),
        Field("origin", ORIGIN_ALERTS, {}, "Of its origins."),
    ),
)

POOL = Table(
    name="pools",
    doc="Origins that can stand in for each other.",
    fields=(
        Field("name", POOL_NAME, REQUIRED, "The name by which load balancers refer to it."),
        Field("origins", ListOf(kind=ORIGIN, least=1, most=1000), REQUIRED, "Its origins."),
        Field("description", DESCRIPTION, "", "For people."),
        Field("enabled", Boolean(), True, "Whether it gets requests."),
        Field(
            "minimum_origins",
            Whole(1, 1000),
            1,
            "The health threshold: with fewer available origins the next pool is used.",
            unset=(0,),
        ),
        Field(
            "monitor",
            Reference("monitor"),
            None,
            "What probes it; none: always healthy.",
            unset=("",),
        ),
        Field("origin_steering", ORIGIN_STEERING, {}, "How origins are chosen."),
        Field("load_shedding", LOAD_SHEDDING, {}, "Sends a part elsewhere."),
        Field("notification_filter", NOTIFICATION_FILTER, {}, "Which changes are told."),
        Field(
            "notification_email",
            Text(),
            "",
            "Deprecated by Cloudflare.",
            _KEPT,
            "nobody is told by this field: a [[notifications]] of type email sends mail "
            "(docs/notifications.md)",
        ),
        Field(
            "monitor_group",
            Reference("monitor group"),
            None,
            "Several monitors that vote, in place of `monitor`.",
            unset=("",),
        ),
        Field(
            "check_regions",
            ListOf(kind=CHECK_REGION, most=20),
            [],
            "From where it is probed, the majority deciding; none: from one place.",
        ),
        Field(
            "health_sources",
            ListOf(kind=one_of("local", "regional", "global"), most=3),
            None,
            "Whose verdict counts.",
            _KEPT,
            "the majority of the check_regions decides for everybody",
        ),
        Field("latitude", Number(-90, 90), None, "Where it is, in degrees north."),
        Field("longitude", Number(-180, 180), None, "Where it is, in degrees east."),
        Field("id", Text(), None, "Cloudflare's identifier.", _KEPT),
        Field("created_on", Text(), None, "When it was made.", _KEPT),
        Field("modified_on", Text(), None, "When it was last changed.", _KEPT),
        Field("disabled_at", Moment(), None, "When it was disabled: its sessions are drained."),
        Field("maintenance", MAINTENANCE, [], "Times in which it counts as disabled."),
        Field("healthy", Boolean(), None, "Its health, as Cloudflare reports it.", _KEPT),
        Field("networks", ListOf(kind=Text(), most=100), None, "Where it is.", _KEPT),
    ),
)


def make_pool(
    record: Record, monitor: Monitor | None, group: MonitorGroup | None, reader: Reader
) -> Pool:
    """The pool that a record describes, with its monitor or group."""
    name = record.text("name")
    records = record.records("origins")
    origins = [origin for each in records if (origin := make_origin(each, name, reader))]
    pool = record.build(
        Pool,
        name=name,
        origins=tuple(origins),
        monitor=monitor,
        monitor_group=group if monitor is None else None,
        check_regions=_check_regions(record),
    )
    if pool.minimum_origins > len(records) and reader.fine(record.at, "origins", "minimum_origins"):
        reader.overlook(
            record.at / "minimum_origins",
            f"must not be more than the pool has origins ({len(records)})",
            f"the pool has fewer origins ({len(records)}): it counts as critical",
        )
    if {"monitor", "monitor_group"} <= set(record.values):
        reader.overlook(record.at / "monitor_group", "cannot be given together with monitor")
    located = [key in record.values for key in ("latitude", "longitude")]
    if any(located) and not all(located) and reader.fine(record.at, "latitude", "longitude"):
        reader.refuse(record.at, "latitude and longitude are given together or not at all")
    _refuse_twins(records, reader)
    return pool


def _check_regions(record: Record) -> tuple[Region, ...]:
    """Each region once, in Cloudflare's order."""
    named = record.items("check_regions")
    return tuple(region for region in Region if region in named or ALL_REGIONS in named)


def _refuse_twins(records: list[Record], reader: Reader) -> None:
    """No two origins of a pool share a name or a place."""
    names: dict[str, Place] = {}
    urls: dict[str, Place] = {}
    for record in records:
        name = record.text("name") or address_text(record)
        address = record.values.get("address")
        if name and (first := names.setdefault(name, record.at)) is not record.at:
            reader.refuse(record.at / "name", f"{shown(name)} is the name of {first} already")
        if isinstance(address, Address):
            url = address.url(port_of(record))
            if (first := urls.setdefault(url, record.at)) is not record.at:
                reader.refuse(record.at / "address", f"is the same place as {first}")
