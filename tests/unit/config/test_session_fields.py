"""Session affinity in a configuration: Cloudflare's bounds, and valid combinations."""

from __future__ import annotations

from typing import Any

import pytest

from lb.config import Invalid, from_variables, parse
from lb.config.objects.session_fields import TTL_BOUNDS
from lb.model import Config, LoadBalancer, SessionAffinity, ZeroDowntimeFailover

AT = "$.load_balancers[0]"


def parsed(attributes: dict[str, Any] | None = None, **fields: Any) -> LoadBalancer | list[str]:
    """Return the load balancer with these fields, or its problems."""
    balancer = {"name": "*", "default_pools": ["p"], "fallback_pool": "p", **fields}
    if attributes is not None:
        balancer["session_affinity_attributes"] = attributes
    pools = [{"name": "p", "origins": [{"name": "a", "address": "a.example.com"}]}]
    found = parse({"pools": pools, "load_balancers": [balancer]})
    if isinstance(found, Invalid):
        return [str(problem) for problem in found.problems]
    return found.load_balancers[0]


def accepted(attributes: dict[str, Any] | None = None, **fields: Any) -> LoadBalancer:
    """Return the load balancer, which must be valid."""
    found = parsed(attributes, **fields)
    assert isinstance(found, LoadBalancer), found
    return found


@pytest.mark.parametrize(
    ("kind", "low", "high", "default"),
    [
        ("cookie", 1800, 604_800, 82_800),
        ("ip_cookie", 1800, 604_800, 82_800),
        ("header", 30, 3600, 1800),
    ],
)
def test_session_affinity_ttl_has_cloudflares_bounds(
    kind: str, low: int, high: int, default: int
) -> None:
    """Cloudflare: "cookie/ip_cookie 1800-604800; header 30-3600 idle", "82800; header 1800"."""
    attributes = {"headers": ["x-user"]}
    for ttl in (low, high):
        assert (
            accepted(
                attributes, session_affinity=kind, session_affinity_ttl=ttl
            ).session_affinity_ttl
            == ttl
        )
    assert accepted(attributes, session_affinity=kind).session_affinity_ttl == default
    for ttl in {low - 1, min(high + 1, 604_800)} - {high}:
        assert parsed(attributes, session_affinity=kind, session_affinity_ttl=ttl) == [
            (
                f'with session_affinity = "{kind}" it must be from {low} to {high}, not {ttl} '
                f"@ {AT}.session_affinity_ttl"
            )
        ]


def test_without_sessions_their_length_does_not_matter() -> None:
    """Cloudflare: "this parameter is ignored unless a supported session affinity is set"."""
    assert accepted(session_affinity_ttl=5).session_affinity is SessionAffinity.NONE
    assert set(TTL_BOUNDS) == set(SessionAffinity)


def test_variables_may_ask_for_shorter_sessions() -> None:
    """SESSION_COOKIE_TTL may be shorter than Cloudflare's bounds."""
    made = from_variables(
        {"BACKEND_A": "a.example.com", "STICKY_SESSIONS": "1", "SESSION_COOKIE_TTL": "60"}
    )

    assert isinstance(made, Config)
    assert made.load_balancers[0].session_affinity_ttl == 60


@pytest.mark.parametrize(
    "headers",
    [["X-User"], ["authorization", "cookie"], ["cookie:sid,lang"], ["Cookie:a.b~c"], ["a_b-1"] * 1],
)
def test_headers_are_cloudflares_entries(headers: list[str]) -> None:
    """Cloudflare: "unique names ^[a-zA-Z0-9_-]+$, `cookie`, or `cookie:<a>,<b>`"."""
    made = accepted({"headers": headers}, session_affinity="header")

    assert made.session_affinity_attributes.headers == tuple(headers)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        (["x user"], 'is neither a header name, "cookie" nor "cookie:<names>" @ {}[0]'),
        (["x:y"], 'is neither a header name, "cookie" nor "cookie:<names>" @ {}[0]'),
        (["x", "x" * 101], "must have at most 100 characters, not 101 @ {}[1]"),
        (["cookie:"], "after cookie: come cookie names, with a comma between them @ {}[0]"),
        (["cookie:a,,b"], "after cookie: come cookie names, with a comma between them @ {}[0]"),
        (["cookie:a, b"], "after cookie: come cookie names, with a comma between them @ {}[0]"),
        (["X-A", "b", "x-a"], '"x-a" is listed twice @ {}'),
        (["x", "x"], '"x" is listed twice @ {}'),
        (list("abcdef"), "must have at most 5 entries, not 6 @ {}"),
        ([], 'session_affinity = "header" needs a header @ {}'),
    ],
)
def test_other_entries_are_refused(headers: list[str], problem: str) -> None:
    """Each invalid entry of headers is a problem at its place."""
    place = f"{AT}.session_affinity_attributes.headers"

    assert parsed({"headers": headers}, session_affinity="header") == [problem.format(place)]


def test_a_bad_header_is_one_problem() -> None:
    """An invalid header is one problem; the empty rest of the list is no further one."""
    assert parsed({"headers": ["?"]}, session_affinity="header") == [
        (
            'is neither a header name, "cookie" nor "cookie:<names>" '
            f"@ {AT}.session_affinity_attributes.headers[0]"
        )
    ]


def test_zero_downtime_failover_has_a_default_that_loses_nobody() -> None:
    """Failover is `sticky` by default, or `temporary` without a cookie; a given value counts."""

    def failover(**fields: Any) -> ZeroDowntimeFailover:
        given = fields.pop("given", None)
        attributes = {"headers": ["x"], **({"zero_downtime_failover": given} if given else {})}
        made = accepted(attributes, **fields)
        return made.session_affinity_attributes.zero_downtime_failover

    assert failover(session_affinity="cookie") is ZeroDowntimeFailover.STICKY
    assert failover(session_affinity="header") is ZeroDowntimeFailover.TEMPORARY
    for word in ("none", "temporary"):
        for kind in ("cookie", "ip_cookie", "header"):
            assert failover(session_affinity=kind, given=word).value == word


def test_sticky_is_not_for_header() -> None:
    """Cloudflare: "zero_downtime_failover: sticky not for header"."""
    attributes = {"headers": ["x"], "zero_downtime_failover": "sticky"}

    assert parsed(attributes, session_affinity="header") == [
        (
            '"sticky" does not go with session_affinity = "header" '
            f"@ {AT}.session_affinity_attributes.zero_downtime_failover"
        )
    ]


def test_failover_across_pools_is_on_unless_it_is_switched_off() -> None:
    """Failover across pools is on by default, because two tunnels are two pools."""
    assert accepted().adaptive_routing.failover_across_pools
    off = accepted(adaptive_routing={"failover_across_pools": False})
    assert not off.adaptive_routing.failover_across_pools


def test_what_cloudflare_echoes_is_accepted() -> None:
    """Every attribute that Cloudflare's API returns is accepted with Cloudflare's default."""
    made = accepted(
        {
            "samesite": "Auto",
            "secure": "Auto",
            "drain_duration": 100,
            "headers": [],
            "require_all_headers": False,
            "zero_downtime_failover": "none",
        },
        session_affinity="cookie",
        session_affinity_ttl=82_800,
        adaptive_routing={"failover_across_pools": False},
    )

    assert made.session_affinity_attributes.drain_duration == 100
