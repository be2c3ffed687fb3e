"""Rules of a load balancer: conditions, fixed responses, and what they override.

https://developers.cloudflare.com/load-balancing/additional-options/load-balancing-rules/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lb.config.objects.header_fields import value_problem
from lb.config.objects.pool_set_fields import make_random_steering, pools_of
from lb.config.reading.problems import BAD, Place, Reader, kind_of
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Boolean, ListOf, MapOf, Number, Ref, Reference, Text, Whole
from lb.expressions import LONGEST, condition
from lb.model import FixedResponse, Pool, RandomSteering, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config.reading.values import Schema

OVERRIDABLE = (
    "adaptive_routing",
    "country_pools",
    "default_pools",
    "fallback_pool",
    "location_strategy",
    "pop_pools",
    "random_steering",
    "region_pools",
    "session_affinity",
    "session_affinity_attributes",
    "session_affinity_ttl",
    "steering_policy",
    "ttl",
)
_BODILESS = frozenset({204, 205, 304})
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# RFC 9110, 10.2.2: only these give Location a meaning.
_MOVED = (201, *range(300, 400))
FOUND = 302
_WEIGHTS = MapOf(key=Reference("pool"), kind=Number(0, 1), most=1000)


@dataclass(frozen=True, slots=True)
class ExpressionKind:
    """A condition in the rules language."""

    words: str = "[expression](rules.md)"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, str):
            return reader.refuse(at, f"must be text, not {kind_of(value)}")
        read = condition(value)
        if not isinstance(read, tuple):
            return value
        for wrong in read:
            reader.refuse(at, f"{wrong.where(value)}: {wrong.message}", wrong.excerpt(value))
        return BAD

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": LONGEST}


def _location_problem(location: str) -> str | None:
    if not all("!" <= char <= "~" for char in location):
        return "must be ASCII without spaces: percent-encode the rest"
    scheme = _SCHEME.match(location)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return "must be a path, or a URL that starts with http:// or https://"
    return None


def _make_response(record: Record, reader: Reader) -> FixedResponse:
    response = record.build(FixedResponse)
    if response.location and "status_code" not in record.values:
        response = replace(response, status_code=FOUND)
    if not reader.fine(record.at, "status_code", "message_body", "location"):
        return response
    if response.status_code in _BODILESS and response.message_body:
        reader.refuse(
            record.at / "message_body",
            f"an answer of status {response.status_code} has no body (RFC 9110, 6.4.1)",
        )
    if response.location and response.status_code not in _MOVED:
        reader.refuse(
            record.at / "location",
            f"means something with status 201 and 300 to 399 only, not {response.status_code}",
        )
    return response


FIXED_RESPONSE = Table(
    name="load_balancers.rules.fixed_response",
    doc="An answer without any origin. It is never stored by a cache.",
    make=_make_response,
    fields=(
        Field("message_body", Text(most=1024), "", "The body."),
        Field(
            "status_code",
            Whole(200, 599),
            200,
            "The status. Where it is not given and there is a location: 302.",
            unset=(0,),
        ),
        Field(
            "content_type",
            Text(most=32, rule=value_problem),
            "",
            "Its Content-Type; empty: plain text.",
        ),
        Field("location", Text(most=2048, rule=_location_problem), "", "Its Location."),
    ),
)


def _make_page(record: Record, reader: Reader) -> FixedResponse:
    del reader
    kind = record.text("content_type") or HTML
    return record.build(FixedResponse, status_code=UNAVAILABLE, content_type=kind)


UNAVAILABLE = 503
HTML = "text/html; charset=utf-8"
MAINTENANCE_PAGE = Table(
    name="load_balancers.maintenance_page",
    doc="The answer when nothing can serve: all is in maintenance, disabled, full, or has failed "
    "without an answer of its own. Its status is 503, with `Retry-After`; no cache stores it.",
    make=_make_page,
    fields=(
        Field("message_body", Text(least=1, most=65_536), REQUIRED, "The page."),
        Field(
            "content_type",
            Text(least=1, most=100, rule=value_problem),
            HTML,
            "Its Content-Type.",
        ),
    ),
)


def rules_of(load_balancer: Table) -> Field:
    """Return the field `rules` of a load balancer, whose other fields rules may override."""
    rule = Table(
        name="load_balancers.rules",
        doc="What is different for some requests (docs/rules.md).",
        make=lambda record, reader: record.build(Rule),  # noqa: ARG005
        fields=(
            Field("name", Text(most=200), "", "For people."),
            Field("condition", ExpressionKind(), "", "Which requests; empty: all."),
            Field("priority", Whole(0, 2**31 - 1), 0, "Lower ones come first."),
            Field("disabled", Boolean(), False, "Whether it is skipped."),
            Field("terminates", Boolean(), False, "Whether later rules are skipped."),
            Field("fixed_response", FIXED_RESPONSE, None, "An answer without any origin."),
            Field("overrides", _overrides(load_balancer), {}, "What is different."),
        ),
    )
    return Field("rules", ListOf(kind=rule, most=1000), [], "Other settings for some requests.")


def _overrides(load_balancer: Table) -> Table:
    """Return the table of overrides: the load balancer's fields without their defaults."""
    fields = {each.key: each for each in load_balancer.fields}
    pools = fields["default_pools"]
    return Table(
        name="load_balancers.rules.overrides",
        doc="What is different for these requests: each replaces the load balancer's whole value.",
        make=_make_overrides,
        fields=(
            *(replace(fields[key], default=None) for key in OVERRIDABLE),
            replace(pools, key="pools", default=None, doc="Another name of `default_pools`."),
            Field("pool_weights", _WEIGHTS, None, "Weights of pools, as in `random_steering`."),
            Field("pool_default_weight", Number(0, 1), None, "The weight of the others."),
        ),
    )


def _make_overrides(record: Record, reader: Reader) -> tuple[tuple[str, object], ...]:
    """Return the overridden fields, with pools by name."""
    values = dict(record.values)
    pools = values.pop("pools", None)
    if pools is not None and values.setdefault("default_pools", pools) is not pools:
        reader.overlook(record.at / "pools", "is another name of default_pools: give one of them")
    weights = {
        key: values.pop(other)
        for key, other in (
            ("pool_weights", "pool_weights"),
            ("default_weight", "pool_default_weight"),
        )
        if other in values
    }
    if weights and "random_steering" in values:
        reader.overlook(record.at / "pool_weights", "is random_steering too: give one of them")
    elif weights:
        values["random_steering"] = make_random_steering(Record(record.at, weights), reader)
    return tuple(values.items())


def resolved(
    rules: tuple[object, ...], at: Place, pool_of: Callable[[Ref], Pool | None], reader: Reader
) -> tuple[Rule, ...]:
    """Return rules with pools in place of names; `pool_of` notes unknown names."""

    def found(value: object, place: Place) -> object:
        if isinstance(value, Ref):
            return pool_of(value)
        if isinstance(value, RandomSteering):
            for name, _ in value.pool_weights:
                pool_of(Ref(name, place / "pool_weights" / name))
        if not isinstance(value, tuple):
            return value
        if value and isinstance(value[0], Ref):
            return pools_of(value, pool_of, reader)
        return tuple(found(each, place) for each in value)

    return tuple(
        replace(
            rule,
            overrides=tuple(
                (key, value)
                for key, given in rule.overrides
                if (value := found(given, at / index / "overrides" / key)) is not None
            ),
        )
        for index, rule in enumerate(rules)
        if isinstance(rule, Rule)
    )
