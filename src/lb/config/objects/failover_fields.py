"""Failover and ejection: their fields, and the rules that join several of them.

The keys are Evenkeel's own; the words are Envoy's where it has them.
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from dataclasses import replace

from lb.config.reading.problems import Place, Reader
from lb.config.reading.status_codes import Codes
from lb.config.reading.tables import Field, Record, Table
from lb.config.reading.values import Boolean, Number, Whole
from lb.model import (
    Ejection,
    Failover,
)


def _make_failover(record: Record, reader: Reader) -> Failover:
    failover = record.build(Failover)
    _check_hedging(failover, record.at, reader)
    if "first_byte_timeout" not in record.values:
        shorter = min(failover.first_byte_timeout, failover.deadline)
        return replace(failover, first_byte_timeout=shorter)
    fine = reader.fine(record.at, "deadline", "first_byte_timeout")
    if fine and failover.deadline < failover.first_byte_timeout:
        reader.refuse(
            record.at / "first_byte_timeout",
            "must not be more than deadline "
            f"({failover.first_byte_timeout:g} is more than {failover.deadline:g})",
        )
    return failover


def _check_hedging(failover: Failover, at: Place, reader: Reader) -> None:
    """Refuse a hedge that could never be sent."""
    if not failover.hedge_after or not reader.fine(at, "hedge_after"):
        return
    longest = min(failover.first_byte_timeout, failover.deadline)
    if failover.hedge_after >= longest and reader.fine(at, "first_byte_timeout", "deadline"):
        reader.refuse(
            at / "hedge_after",
            "must be less than first_byte_timeout and deadline "
            f"({failover.hedge_after:g} is not less than {longest:g})",
        )
    if failover.tries == 1 and reader.fine(at, "tries"):
        reader.refuse(at / "hedge_after", "needs tries of 2 or more: it is a second try")


def _make_ejection(record: Record, reader: Reader) -> Ejection:
    """Envoy's default of max_ejection_time: 300 s or base_ejection_time, whichever is larger.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto
    """
    ejection = record.build(Ejection)
    if "consecutive_statuses" not in record.values:
        least = max(ejection.consecutive_statuses, ejection.consecutive_failures)
        ejection = replace(ejection, consecutive_statuses=least)
    if "max_time" not in record.values:
        return replace(ejection, max_time=max(ejection.max_time, ejection.base_time))
    if ejection.max_time < ejection.base_time and reader.fine(record.at, "base_time", "max_time"):
        reader.refuse(
            record.at / "max_time",
            "must not be less than base_time "
            f"({ejection.max_time:g} is less than {ejection.base_time:g})",
        )
    return ejection


FAILOVER = Table(
    name="load_balancers.failover",
    doc="When a failed attempt is followed by another, inside one request.",
    make=_make_failover,
    fields=(
        Field(
            "retry_on",
            Codes(),
            ["502-504", "520-527", 530],
            "Answers that count as a failure; 520 to 530 are those of Cloudflare's edge "
            "for an origin or tunnel that it cannot reach.",
        ),
        Field("tries", Whole(1, 20), 3, "Attempts for one request, the first included."),
        Field(
            "first_byte_timeout",
            Number(0.05, 600),
            30,
            "Seconds until an attempt's answer begins, after which another origin is tried; where "
            "none may follow, an attempt has until `deadline`. "
            "Where it is not given and 30 is too long: `deadline`.",
        ),
        Field("deadline", Number(0.05, 600), 100, "Seconds for all attempts of one request."),
        Field(
            "body_limit",
            Whole(0, 10_485_760),
            65_536,
            "Bytes of a request's body that is read before the request is sent, so that it can be "
            "sent again. A longer one is passed on while the client sends it.",
        ),
        Field(
            "body_timeout",
            Number(0.05, 600),
            30,
            "Seconds in which the client must send a body of at most `body_limit`; then it gets "
            "408.",
        ),
        Field(
            "retry_non_idempotent",
            Boolean(),
            False,
            "Whether requests such as POST are sent again too, though an origin may have acted.",
        ),
        Field(
            "retry_budget",
            Number(0, 100),
            None,
            "Percent of the requests of the last 10 seconds that may be sent again, in each "
            "isolate of the Worker; 10 requests always may. Not given: all.",
        ),
        Field(
            "hedge_after",
            Number(0, 600),
            0,
            "Seconds without an answer after which a GET or HEAD is sent to a second origin too; "
            "the first good answer wins. One request in ten at most, in each isolate; 0: none.",
        ),
    ),
)

EJECTION = Table(
    name="load_balancers.ejection",
    doc="When failures of real requests take an origin out, and for how long.",
    make=_make_ejection,
    fields=(
        Field(
            "consecutive_failures",
            Whole(1, 1000),
            1,
            "Connections in a row that failed, or time-outs, while another origin answered the "
            "same request. Where none was asked, one more, each of another path.",
        ),
        Field(
            "consecutive_statuses",
            Whole(1, 1000),
            3,
            "Answers in a row with a status of `retry_on`, unless another origin answers the same "
            "request so too. Where it is not given and 3 is less: `consecutive_failures`.",
        ),
        Field(
            "base_time",
            Number(0, 86_400),
            30,
            "Seconds, times the number of ejections in a row; 0: origins are not ejected.",
        ),
        Field(
            "max_time",
            Number(0, 86_400),
            300,
            "Seconds that an ejection lasts at most. "
            "Where it is not given and 300 is too short: `base_time`.",
        ),
        Field(
            "max_percent",
            Whole(0, 100),
            100,
            "Of a pool's enabled origins; one may always be ejected, "
            "but never the last available origin of the load balancer.",
        ),
        Field(
            "slow_start",
            Number(0, 3600),
            0,
            "Seconds in which an origin that came back grows to its whole share of its pool; "
            "0: it has it at once.",
        ),
        Field(
            "quiet_after",
            Number(0, 600),
            0.4,
            "Seconds without any answer after which new requests avoid an origin, until it "
            "answers; longer where its answers are slow; 0: they do not.",
        ),
    ),
)
