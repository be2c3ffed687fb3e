"""Monitors: their fields, and the rules that join several of them.

https://developers.cloudflare.com/api/resources/load_balancers/subresources/monitors/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.config.objects.header_fields import probe_headers
from lb.config.reading.names import DESCRIPTION, OBJECT_NAME, PATH
from lb.config.reading.status_codes import Codes
from lb.config.reading.tables import REQUIRED, Field, Record, Standing, Table
from lb.config.reading.values import (
    Boolean,
    ListOf,
    Number,
    Ref,
    Reference,
    Text,
    Whole,
    choice_of,
    matching,
)
from lb.model import Member, Monitor, MonitorGroup, MonitorType, Sensitivity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.config.reading.problems import Reader

_NO_UDP = "a Worker has neither ICMP nor UDP"

MONITOR_TYPE = choice_of(
    MonitorType,
    impossible={MonitorType.ICMP_PING: _NO_UDP, MonitorType.UDP_ICMP: _NO_UDP},
)

# The defaults of the fields below for each word of `sensitivity`: asymmetric, so that an origin
# leaves soon and comes back once it is trusted.
PRESETS: Mapping[Sensitivity, Mapping[str, int]] = {
    Sensitivity.AGGRESSIVE: {
        "interval": 5,
        "timeout": 2,
        "consecutive_down": 2,
        "consecutive_up": 3,
    },
    Sensitivity.BALANCED: {
        "interval": 15,
        "timeout": 5,
        "consecutive_down": 3,
        "consecutive_up": 4,
    },
    Sensitivity.CONSERVATIVE: {
        "interval": 60,
        "timeout": 10,
        "consecutive_down": 5,
        "consecutive_up": 5,
    },
}

_ON_A_SOCKET = frozenset({MonitorType.TCP, MonitorType.SMTP})
_BLOCKED_PORT = 25

CONNECTION_ESTABLISHED = "connection_established"
"""The method of a tcp monitor in Cloudflare's API."""


def _method_problem(method: str) -> str | None:
    if method == CONNECTION_ESTABLISHED:
        return None
    if method in {"CONNECT", "TRACE", "TRACK"}:
        # https://fetch.spec.whatwg.org/#forbidden-method
        return "is a method that a Worker cannot send"
    return matching(r"[A-Z]+(?:-[A-Z]+)*", "must be a method such as GET or HEAD")(method)


MONITOR = Table(
    name="monitors",
    doc="How the health of a pool's origins is probed.",
    fields=(
        Field("name", OBJECT_NAME, REQUIRED, "The name by which pools refer to it."),
        Field("type", MONITOR_TYPE, "http", "What a probe speaks."),
        Field("description", DESCRIPTION, "", "For people."),
        Field(
            "method",
            Text(least=1, most=32, rule=_method_problem, words="method"),
            "GET",
            "The method of the probe's request.",
            unset=("",),
        ),
        Field("path", PATH, "/", "What the probe asks for.", unset=("",)),
        Field(
            "port",
            Whole(0, 65_535),
            0,
            "Where the probe goes; 0 is the port of the origin's own traffic, "
            "else 80 or 443 by the monitor's type. `tcp` and `smtp` need one, which cannot be 25.",
        ),
        Field(
            "expected_codes",
            Codes(empty="200"),
            "200",
            "The status codes of a healthy origin.",
        ),
        Field(
            "expected_body",
            Text(most=1024),
            "",
            "Text that a healthy origin's answer contains, in any case; empty: not looked for.",
        ),
        Field("header", probe_headers(), {}, "Headers of the probe: `{ name = [values] }`."),
        Field("follow_redirects", Boolean(), False, "Whether redirects are followed."),
        Field(
            "sensitivity",
            choice_of(Sensitivity),
            None,
            "Other defaults for the next keys and the thresholds: `aggressive` notices a dead "
            "origin in 10 seconds, `balanced` in 45, `conservative` in 5 minutes.",
        ),
        Field("interval", Whole(1, 3600), 60, "Seconds from one probe to the next.", unset=(0,)),
        Field(
            "timeout",
            Number(0.05, 60),
            5,
            "Seconds until a probe has failed; less than `interval`. "
            "Where it is not given and 5 is too long: half of `interval`.",
            unset=(0,),
        ),
        Field("retries", Whole(0, 5), 2, "Probes sent at once after one that timed out."),
        Field("consecutive_up", Whole(0, 100), 0, "Successes in a row that make it healthy."),
        Field("consecutive_down", Whole(0, 100), 0, "Failures in a row that make it unhealthy."),
        Field(
            "allow_insecure",
            Boolean(),
            False,
            "Whether certificates go unchecked.",
            Standing.IMPOSSIBLE,
            "a Worker always checks certificates",
        ),
        Field(
            "probe_zone",
            Text(),
            "",
            "The zone whose settings a probe is sent with.",
            Standing.IMPOSSIBLE,
            "a Worker's requests have the settings of its own zone",
        ),
        Field("id", Text(), None, "Cloudflare's identifier.", Standing.KEPT),
        Field("created_on", Text(), None, "When it was made.", Standing.KEPT),
        Field("modified_on", Text(), None, "When it was last changed.", Standing.KEPT),
    ),
)

MEMBER = Table(
    name="monitor_groups.members",
    doc="A monitor's part in a group.",
    fields=(
        Field("monitor_id", Reference("monitor"), REQUIRED, "The monitor's name."),
        Field("enabled", Boolean(), REQUIRED, "Whether it probes."),
        Field("monitoring_only", Boolean(), REQUIRED, "Whether it has no vote."),
        Field("must_be_healthy", Boolean(), REQUIRED, "Whether its failure decides."),
        Field("created_at", Text(), None, "When it was added.", Standing.KEPT),
        Field("updated_at", Text(), None, "When it was last changed.", Standing.KEPT),
    ),
)

MONITOR_GROUP = Table(
    name="monitor_groups",
    doc="Several monitors that vote on an origin's health.",
    fields=(
        Field("id", OBJECT_NAME, REQUIRED, "The name by which pools refer to it."),
        Field("description", DESCRIPTION, REQUIRED, "For people."),
        Field("members", ListOf(kind=MEMBER, least=1, most=12), REQUIRED, "The monitors."),
        Field("created_on", Text(), None, "When it was made.", Standing.KEPT),
        Field("modified_on", Text(), None, "When it was last changed.", Standing.KEPT),
    ),
)


def make_group(
    record: Record, monitor_of: Callable[[Ref], Monitor | None], reader: Reader
) -> MonitorGroup:
    """The group that a record describes."""
    members = []
    for each in record.records("members"):
        ref = each.values.get("monitor_id")
        monitor = monitor_of(ref) if isinstance(ref, Ref) else None
        if monitor is not None:
            given = {key: value for key, value in each.values.items() if key != "monitor_id"}
            members.append(Record(each.at, given).build(Member, monitor=monitor))
    names = [member.monitor.name for member in members]
    if len(set(names)) < len(names):
        reader.refuse(record.at / "members", "names a monitor twice")
    votes = [member for member in members if member.enabled and not member.monitoring_only]
    if not votes and reader.fine(record.at, "members"):
        reader.overlook(
            record.at / "members",
            "no member is enabled and has a vote",
            "no member probes and has a vote: the group probes nothing",
        )
    return MonitorGroup(
        name=record.text("id"), description=record.text("description"), members=tuple(members)
    )


def votes(record: Record, reader: Reader) -> bool:
    """Whether a group has a member that votes."""
    return (record.at / "members").text not in reader.unheeded


def make_monitor(record: Record, reader: Reader) -> Monitor:
    """The monitor that a record describes."""
    # A Host equal to the address changes nothing; document.py checks that it is equal.
    sent = tuple(pair for pair in record.headers("header") if pair[0].lower() != "host")
    given = {key: value for key, value in record.values.items() if key != "sensitivity"}
    chosen = record.values.get("sensitivity")
    preset = PRESETS[chosen] if isinstance(chosen, Sensitivity) else {}
    monitor = Record(record.at, {**preset, **given}).build(
        Monitor, name=record.text("name"), header=sent
    )
    _check_port(monitor, record, reader)
    if monitor.method == CONNECTION_ESTABLISHED and monitor.type not in _ON_A_SOCKET:
        reader.refuse(record.at / "method", "is for monitors of type tcp")
    if "timeout" not in record.values:
        return replace(monitor, timeout=min(monitor.timeout, monitor.interval / 2))
    if monitor.timeout >= monitor.interval and reader.fine(record.at, "interval", "timeout"):
        reader.refuse(
            record.at / "timeout",
            f"must be less than interval ({monitor.timeout:g} is not less than {monitor.interval})",
        )
    return monitor


def _check_port(monitor: Monitor, record: Record, reader: Reader) -> None:
    if monitor.type not in _ON_A_SOCKET or not reader.fine(record.at, "type", "port"):
        return
    if not monitor.port:
        reader.refuse(record.at / "port", f"must be given for type {monitor.type.value}")
    elif monitor.port == _BLOCKED_PORT:
        # https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/#considerations
        reader.overlook(
            record.at / "port",
            "is not possible: Workers cannot connect to port 25 (587 and 2525 are for mail too)",
            "a Worker cannot connect to port 25: nothing is probed by this monitor",
        )


def probes(record: Record, reader: Reader) -> bool:
    """Whether a Worker can run this monitor; impossible ones have been noted before."""
    return not any((record.at / key).text in reader.unheeded for key in ("type", "port"))
