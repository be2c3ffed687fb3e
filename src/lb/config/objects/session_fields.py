"""Session affinity: its fields, and what differs between its kinds.

https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lb.config.objects.header_fields import TOKEN
from lb.config.reading.problems import Place, Reader, shown
from lb.config.reading.tables import Field, Record, Table
from lb.config.reading.values import Boolean, ListOf, Text, Whole, choice_of, matching
from lb.model import (
    SameSite,
    Secure,
    SessionAffinity,
    SessionAffinityAttributes,
    ZeroDowntimeFailover,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import LoadBalancer

SESSION_AFFINITY = choice_of(SessionAffinity, also={"": SessionAffinity.NONE})
SESSION_AFFINITY_TTL = Whole(1, 604_800)

_LONGEST_HEADER = 100
"""Longest name of a session header, as in Cloudflare's API."""


def _session_header_problem(text: str) -> str | None:
    """Cloudflare's three kinds of entry, letter for letter."""
    name, colon, cookies = text.partition(":")
    if colon and name.lower() == "cookie":
        wrong = [each for each in cookies.split(",") if not re.fullmatch(TOKEN, each)]
        return "after cookie: come cookie names, with a comma between them" if wrong else None
    if len(text) > _LONGEST_HEADER:
        return f"must have at most {_LONGEST_HEADER} characters, not {len(text)}"
    named = matching(r"[A-Za-z0-9_-]+", 'is neither a header name, "cookie" nor "cookie:<names>"')
    return named(text)


SESSION_HEADER = Text(
    least=1,
    most=1000,
    rule=_session_header_problem,
    pattern=r"[A-Za-z0-9_-]+|[Cc][Oo][Oo][Kk][Ii][Ee]:.+",
    words="header name, `cookie`, or `cookie:<name>,<name>`",
)


def _make_attributes(record: Record, reader: Reader) -> SessionAffinityAttributes:
    attributes = record.build(SessionAffinityAttributes)
    if attributes.samesite is SameSite.NONE and attributes.secure is Secure.NEVER:
        reader.refuse(record.at, 'samesite = "None" does not go with secure = "Never"')
    first: dict[str, int] = {}
    for index, name in enumerate(attributes.headers):
        if first.setdefault(name.lower(), index) != index:
            reader.refuse(record.at / "headers", f"{shown(name)} is listed twice")
    if "zero_downtime_failover" in record.values:
        reader.given.add((record.at / "zero_downtime_failover").text)
    return attributes


ATTRIBUTES = Table(
    name="load_balancers.session_affinity_attributes",
    doc="The affinity cookie's attributes, and what happens to sessions.",
    make=_make_attributes,
    fields=(
        Field("samesite", choice_of(SameSite), "Auto", "The cookie's SameSite.", unset=("",)),
        Field(
            "secure",
            choice_of(Secure),
            "Auto",
            "The cookie's Secure; `Auto`: as the request.",
            unset=("",),
        ),
        Field(
            "drain_duration",
            Whole(0, 86_400),
            0,
            "Seconds for which a disabled origin keeps the sessions that it has, counted from "
            "`disabled_at` or from the start of its maintenance.",
        ),
        Field(
            "headers",
            ListOf(kind=SESSION_HEADER, most=5),
            [],
            "What sessions of `header` are known by: those of these headers that a request has.",
        ),
        Field(
            "require_all_headers",
            Boolean(),
            False,
            "Whether a request without one of them belongs to no session.",
        ),
        Field(
            "zero_downtime_failover",
            choice_of(ZeroDowntimeFailover),
            "sticky",
            "When a session's origin fails: `none`: the client gets the failure; `temporary`: "
            "another origin serves until it is back; `sticky`: the session moves. "
            "With `header` the default is `temporary`, and `sticky` is not possible. "
            "Cloudflare's own default is `none`.",
            unset=("",),
        ),
    ),
)

# Cloudflare's bounds, and defaults, of session_affinity_ttl in seconds:
# https://developers.cloudflare.com/api/resources/load_balancers/methods/create/
TTL_BOUNDS: Mapping[SessionAffinity, tuple[int, int, int] | None] = {
    SessionAffinity.NONE: None,
    SessionAffinity.COOKIE: (1800, 604_800, 82_800),
    SessionAffinity.IP_COOKIE: (1800, 604_800, 82_800),
    SessionAffinity.HEADER: (30, 3600, 1800),
}


def with_sessions(load_balancer: LoadBalancer, record: Record, reader: Reader) -> LoadBalancer:
    """The load balancer, with the settings of its kind of session affinity checked."""
    kind = load_balancer.session_affinity
    bounds = TTL_BOUNDS[kind]
    if bounds is None:
        return load_balancer
    low, high, default = bounds
    ttl = record.values.get("session_affinity_ttl", default)
    fine = reader.fine(record.at, "session_affinity", "session_affinity_ttl")
    if fine and isinstance(ttl, int) and not (low <= ttl <= high or reader.short_sessions):
        reader.refuse(
            record.at / "session_affinity_ttl",
            f'with session_affinity = "{kind.value}" it must be from {low} to {high}, not {ttl}',
        )
    attributes = load_balancer.session_affinity_attributes
    if kind is SessionAffinity.HEADER:
        at = record.at / "session_affinity_attributes"
        if not attributes.headers and reader.fine(record.at, "session_affinity_attributes"):
            reader.refuse(at / "headers", 'session_affinity = "header" needs a header')
        attributes = _without_cookie(attributes, at / "zero_downtime_failover", reader)
    return replace(
        load_balancer,
        session_affinity_ttl=ttl if isinstance(ttl, int) else default,
        session_affinity_attributes=attributes,
    )


def _without_cookie(
    attributes: SessionAffinityAttributes, at: Place, reader: Reader
) -> SessionAffinityAttributes:
    """No cookie can be rewritten, so a session cannot move for good."""
    if attributes.zero_downtime_failover is not ZeroDowntimeFailover.STICKY:
        return attributes
    if at.text in reader.given:
        reader.refuse(at, '"sticky" does not go with session_affinity = "header"')
    return replace(attributes, zero_downtime_failover=ZeroDowntimeFailover.TEMPORARY)
