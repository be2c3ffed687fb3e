"""Sessions: by cookie, by address and cookie, by header."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.health.snapshot import EjectionState, Snapshot
from lb.health.verdict import OriginHealth
from lb.log_events import Refusal
from lb.model import (
    AdaptiveRouting,
    Health,
    LoadBalancer,
    Pool,
    RandomSteering,
    SessionAffinity,
    SessionAffinityAttributes,
    SteeringPolicy,
    Window,
    ZeroDowntimeFailover,
)
from lb.proxy.plan import Plan
from lb.proxy.prepared import PreparedLoadBalancer
from lb.proxy.steps import Attempt, Deliver, Refuse
from lb.request.outcomes import Answered, Cause, Failed, Outcome, judge
from lb.selection.affinity import HeaderAffinity, IpCookieAffinity
from support.make import balancer_of, facts, origin, pool, scripted

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

NAMES = "abcdefgh"
EIGHT = pool("p", *NAMES)
NEAR, FAR = pool("near", "a", "b"), pool("far", "c", "d")
NOW = 100.0
FAILED = Failed(Cause.CONNECTION)
FINE = Answered(200, lambda name: "", object())  # noqa: ARG005
BAD = Answered(503, lambda name: "", object())  # noqa: ARG005


def lb_of(
    *pools: Pool, kind: SessionAffinity = SessionAffinity.COOKIE, **attributes: Any
) -> LoadBalancer:
    """Return a load balancer with session affinity and these attributes."""
    across = attributes.pop("across_pools", True)
    return balancer_of(
        *pools,
        session_affinity=kind,
        session_affinity_attributes=SessionAffinityAttributes(**attributes),
        adaptive_routing=AdaptiveRouting(failover_across_pools=across),
    )


def header_lb(*pools: Pool, **attributes: Any) -> LoadBalancer:
    """Return a load balancer with sessions by X-User, unless given other headers."""
    attributes.setdefault("headers", ("X-User",))
    attributes.setdefault("zero_downtime_failover", ZeroDowntimeFailover.TEMPORARY)
    return lb_of(*pools, kind=SessionAffinity.HEADER, **attributes)


def moment(*down: str, ejected: str = "", pool_name: str = "p") -> Snapshot:
    """Return a snapshot with these origins down or ejected, by name or by pool and name."""

    def key(name: str) -> tuple[str, str]:
        of, _, own = name.rpartition("/")
        return (of or pool_name, own)

    return Snapshot(
        {key(name): OriginHealth(health=Health.UNHEALTHY) for name in down},
        {key(name): EjectionState(since=0.0, until=999.0) for name in ejected.split()},
        NOW,
    )


class Session:
    """Carries out the plan of one request."""

    def __init__(
        self,
        lb: LoadBalancer,
        at: Snapshot | None = None,
        asked: RequestFacts | None = None,
        *chance: float,
    ) -> None:
        self.serving = PreparedLoadBalancer(lb, "id", "")
        self.plan = Plan(
            self.serving, at or moment(), asked or facts(), scripted(*(chance or (0.0,))), NOW
        )

    def run(self, *outcomes: Outcome) -> tuple[str, Deliver | Refuse]:
        """Return the origins that were tried, and the last step; the last outcome repeats."""
        rest, tried = list(outcomes), ""
        step: Any = self.plan.start()
        while isinstance(step, Attempt):
            tried += step.origin.name
            outcome = rest.pop(0) if len(rest) > 1 else rest[0]
            step = self.plan.after(outcome, judge(self.serving.retry_on, outcome), NOW)
        return tried, step


def first(lb: LoadBalancer, at: Snapshot | None = None, *chance: float, **headers: str) -> str:
    """Return the first origin of a request with these headers."""
    asked: dict[str, Any] = {**headers}
    return Session(lb, at, facts(**asked), *chance).run(FINE)[0]


def pin(lb: LoadBalancer, name: str) -> str:
    """Return the cookie of an origin."""
    affinity = PreparedLoadBalancer(lb, "id", "").affinity
    assert affinity is not None
    one = next(each for of in lb.pools for each in of.origins if each.name == name)
    return (affinity.cookie(one, https=True) or "").partition(";")[0]


def moved(step: Deliver | Refuse) -> bool:
    """Whether the answer sets another cookie."""
    assert isinstance(step, Deliver)
    return step.set_cookie is not None


# Sessions by header


def test_requests_with_the_same_header_go_to_the_same_origin() -> None:
    """The same header leads to the same origin in every isolate, whatever the random numbers."""
    lb = header_lb(EIGHT)
    for user in ("ann", "bob", "cyd"):
        assert len({first(lb, None, n / 10, x_user=user) for n in range(10)}) == 1

    assert len({first(lb, x_user=f"user {n}") for n in range(200)}) == len(NAMES)


def test_without_the_header_there_is_no_session() -> None:
    """A request without the header, or with an empty one, is steered like any other."""
    lb = header_lb(EIGHT)

    assert {first(lb, None, n / 8) for n in range(8)} == set(NAMES)
    assert {first(lb, None, n / 8, x_user="") for n in range(8)} == set(NAMES)


def test_a_header_that_is_added_or_changed_makes_another_session() -> None:
    """Cloudflare: "if a client adds or removes HTTP headers ... a new session will be created"."""
    affinity = HeaderAffinity(header_lb(EIGHT, headers=("X-User", "X-Team")), "")
    keys = [
        affinity.key(facts(x_user="ann")),
        affinity.key(facts(x_user="bob")),
        affinity.key(facts(x_user="ann", x_team="red")),
        affinity.key(facts(x_team="red")),
        affinity.key(facts(x_team="ann")),
        affinity.key(facts(x_user="red", x_team="ann")),
    ]

    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert affinity.key(facts(x_user="ann", x_other="1")) == keys[0]


def test_require_all_headers() -> None:
    """Any of the headers is enough, unless require_all_headers is set."""
    headers = ("X-User", "X-Team")
    some = HeaderAffinity(header_lb(EIGHT, headers=headers), "")
    every = HeaderAffinity(header_lb(EIGHT, headers=headers, require_all_headers=True), "")

    assert some.key(facts(x_user="ann")) is not None
    assert every.key(facts(x_user="ann")) is None
    assert every.key(facts(x_user="ann", x_team="red")) is not None


def test_cookie_as_a_header_is_all_of_it_or_those_that_are_named() -> None:
    """Cloudflare: `"cookie"` uses all cookies, `"cookie:a,b"` uses a and b, in any order."""
    whole = HeaderAffinity(header_lb(EIGHT, headers=("cookie",)), "")
    named = HeaderAffinity(header_lb(EIGHT, headers=("cookie:sid,lang",)), "")
    both = named.key(facts(cookie="sid=1; theme=dark; lang=de"))

    assert whole.key(facts(cookie="sid=1")) != whole.key(facts(cookie="sid=1; x=2"))
    assert both is not None
    assert named.key(facts(cookie="lang=de; sid=1; theme=light")) == both
    assert named.key(facts(cookie="sid=1; xlang=de")) == named.key(facts(cookie="sid=1"))
    assert named.key(facts(cookie="sid=1")) != both
    assert named.key(facts(cookie="theme=dark; sid=")) is None
    assert named.key(facts()) is None


def test_all_named_cookies_are_required_when_all_headers_are() -> None:
    """With require_all_headers, one of two named cookies is not enough."""
    affinity = HeaderAffinity(
        header_lb(EIGHT, headers=("cookie:sid,lang",), require_all_headers=True), ""
    )

    assert affinity.key(facts(cookie="sid=1")) is None
    assert affinity.key(facts(cookie="sid=1;lang=de")) is not None


@given(st.text(), st.text())
def test_any_header_can_be_read(user: str, cookies: str) -> None:
    """No header of a client raises; each one gives a key of 64 bits or none."""
    affinity = HeaderAffinity(header_lb(EIGHT, headers=("X-User", "cookie:sid")), "")

    key = affinity.key(facts(x_user=user, cookie=cookies))

    assert key is None or 0 <= key < 1 << 64


def test_only_the_sessions_of_an_origin_that_is_down_move() -> None:
    """Only the sessions of an unhealthy origin move, and they return with it."""
    lb = header_lb(EIGHT)
    users = [f"user {n}" for n in range(300)]
    before = {user: first(lb, x_user=user) for user in users}
    down = {user: first(lb, moment("a"), x_user=user) for user in users}

    assert {user for user in users if before[user] != down[user]} == {
        user for user in users if before[user] == "a"
    }
    assert "a" not in down.values()


def test_the_pool_of_a_session_by_header_stays_too() -> None:
    """Random steering uses the key, so the pool of a session stays as well."""
    lb = header_lb(NEAR, FAR)
    user = next(u for u in map(str, range(99)) if first(lb, x_user=u) == "a")

    assert first(lb, moment("near/a"), x_user=user) == "b"
    assert first(lb, moment("near/a", "near/b"), x_user=user) in "cd"


@pytest.mark.parametrize(
    "policy",
    [
        SteeringPolicy.RANDOM,
        SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        SteeringPolicy.LEAST_CONNECTIONS,
    ],
)
def test_only_the_sessions_of_a_pool_that_is_down_move(policy: SteeringPolicy) -> None:
    """The key replaces chance and load in the choice of the pool, by the pools' weights."""
    pools = tuple(pool(name, name) for name in "abcd")
    lb = replace(
        header_lb(*pools),
        steering_policy=policy,
        random_steering=RandomSteering(pool_weights=(("a", 0.5), ("d", 0))),
    )
    users = [f"user {n}" for n in range(400)]
    before = {user: first(lb, x_user=user) for user in users}
    down = {user: first(lb, moment("b/b"), x_user=user) for user in users}
    shares = Counter(before.values())

    assert {user for user in users if before[user] != down[user]} == {
        user for user in users if before[user] == "b"
    }
    # A fifth, and two fifths twice; within four standard deviations, and always the same.
    assert 48 < shares["a"] < 112
    assert 120 < shares["b"] < 200
    assert "d" not in shares


def test_a_drained_origin_keeps_its_sessions_by_header() -> None:
    """Sessions continue for drain_duration, including new ones with the same hash."""
    night = (Window(start=NOW - 10, end=NOW + 900),)
    drained = pool("p", origin("a", maintenance=night), *NAMES[1:])
    users = [f"user {n}" for n in range(100)]
    before = {user: first(header_lb(EIGHT), x_user=user) for user in users}
    during = {user: first(header_lb(drained, drain_duration=60), x_user=user) for user in users}
    after = {user: first(header_lb(drained, drain_duration=5), x_user=user) for user in users}

    assert during == before
    assert "a" in before.values()
    assert "a" not in after.values()


def test_a_draining_origin_takes_no_requests_without_a_session() -> None:
    """Requests without the header are new traffic."""
    night = (Window(start=NOW - 10, end=NOW + 900),)
    lb = header_lb(pool("p", origin("a", maintenance=night), "b"), drain_duration=60)

    assert {first(lb, None, n / 8) for n in range(8)} == {"b"}


# Sessions by address and cookie


def test_ip_cookie_chooses_by_address_and_keeps_the_choice() -> None:
    """An address leads to the same origin, and the cookie stays valid after a change of address."""
    lb = lb_of(EIGHT, kind=SessionAffinity.IP_COOKIE)
    at_home = {first(lb, None, n / 10, cf_connecting_ip="203.0.113.9") for n in range(10)}
    (home,) = at_home

    cookie = pin(lb, home)
    assert {
        first(lb, None, 0.5, cf_connecting_ip=f"198.51.100.{n}", cookie=cookie) for n in range(20)
    } == {home}


def test_ip_cookie_reads_no_address_of_a_client_that_has_its_cookie() -> None:
    """A request with a cookie reads one header alone."""
    lb = lb_of(EIGHT, kind=SessionAffinity.IP_COOKIE)
    asked = facts(cookie=pin(lb, "c"), cf_connecting_ip="203.0.113.9")
    Session(lb, None, asked).run(FINE)

    assert "client_ip" not in vars(asked)


def test_new_clients_by_address_reach_no_drained_origin() -> None:
    """Only a cookie proves a session; an address does not."""
    night = (Window(start=NOW - 10, end=NOW + 900),)
    drained = pool("p", origin("a", maintenance=night), *NAMES[1:])
    lb = lb_of(drained, kind=SessionAffinity.IP_COOKIE, drain_duration=60)

    assert "a" not in {first(lb, cf_connecting_ip=f"203.0.113.{n}") for n in range(100)}
    assert first(lb, cookie=pin(lb, "a")) == "a"
    assert isinstance(PreparedLoadBalancer(lb, "id", "").affinity, IpCookieAffinity)


# Changes of weights


def test_a_change_of_weights_breaks_no_session_by_cookie() -> None:
    """Sessions by cookie stay, even with weight 0."""
    cookie = pin(lb_of(EIGHT), "c")
    light = pool("p", "a", "b", origin("c", weight=0.01), *NAMES[3:])
    none = pool("p", "a", "b", origin("c", weight=0), *NAMES[3:])

    for of in (light, none):
        for kind in (SessionAffinity.COOKIE, SessionAffinity.IP_COOKIE):
            lb = lb_of(of, kind=kind)
            assert {first(lb, None, n / 8, cookie=cookie) for n in range(8)} == {"c"}


def test_a_change_of_weights_moves_the_fewest_sessions_by_header() -> None:
    """Only sessions of the origin with less weight move."""
    users = [f"user {n}" for n in range(400)]
    light = pool("p", origin("a", weight=0.5), *NAMES[1:])
    before = {user: first(header_lb(EIGHT), x_user=user) for user in users}
    after = {user: first(header_lb(light), x_user=user) for user in users}
    gone = {user for user in users if before[user] != after[user]}

    assert 0 < len(gone) < len(users) / 8
    assert {before[user] for user in gone} == {"a"}


# zero_downtime_failover

OF = ZeroDowntimeFailover


def test_none_leaves_a_failure_to_the_sessions_client() -> None:
    """Cloudflare: "no failover will take place and errors may show to your users"."""
    lb = lb_of(NEAR, zero_downtime_failover=OF.NONE)
    asked = facts(cookie=pin(lb, "b"))

    assert Session(lb, asked=asked).run(FAILED) == ("b", Refuse(503, Refusal.NOT_SENT_ON, 5))
    tried, step = Session(lb, asked=asked).run(BAD)
    assert isinstance(step, Deliver)
    assert (tried, step.answer, step.set_cookie) == ("b", BAD, None)


def test_none_keeps_a_session_on_an_ejected_origin() -> None:
    """A session waits for its ejected origin: other requests caused the ejection."""
    lb = lb_of(pool("near", "a", "b", minimum_origins=2), FAR, zero_downtime_failover=OF.NONE)

    tried, step = Session(lb, moment(ejected="near/b"), facts(cookie=pin(lb, "b"))).run(FINE)
    assert (tried, moved(step)) == ("b", False)


def test_none_gives_a_session_up_when_a_monitor_says_that_its_origin_is_down() -> None:
    """Cloudflare: "if ... the endpoint is unhealthy, a new endpoint is calculated and used"."""
    lb = lb_of(NEAR, zero_downtime_failover=OF.NONE)

    tried, step = Session(lb, moment("near/b"), facts(cookie=pin(lb, "b"))).run(FINE)
    assert (tried, moved(step)) == ("a", True)


def test_none_is_about_sessions_alone() -> None:
    """A client without a session is failed over; its session starts on the origin that answers."""
    lb = lb_of(NEAR, zero_downtime_failover=OF.NONE)

    tried, step = Session(lb).run(FAILED, FINE)
    assert (tried, moved(step)) == ("ab", True)


def test_none_holds_sessions_by_header_too() -> None:
    """A key is a session; a request without a key fails over."""
    lb = header_lb(NEAR, zero_downtime_failover=OF.NONE)
    user = next(u for u in map(str, range(99)) if first(lb, x_user=u) == "a")

    assert Session(lb, asked=facts(x_user=user)).run(FAILED)[0] == "a"
    assert first(lb, moment(ejected="near/a"), x_user=user) == "a"
    assert first(lb, moment("near/a"), x_user=user) == "b"
    assert Session(lb).run(FAILED, FINE)[0] == "ab"


def test_temporary_serves_elsewhere_and_keeps_the_session() -> None:
    """Cloudflare: "sent to other endpoints until the originally pinned endpoint is available"."""
    lb = lb_of(NEAR, zero_downtime_failover=OF.TEMPORARY)
    asked = facts(cookie=pin(lb, "b"))

    for at, tried in (
        (moment(), "ba"),
        (moment("near/b"), "a"),
        (moment(ejected="near/b"), "a"),
    ):
        outcomes = (FAILED, FINE) if tried == "ba" else (FINE,)
        names, step = Session(lb, at, asked).run(*outcomes)
        assert (names, moved(step)) == (tried, False)
    names, step = Session(lb, asked=asked).run(FINE)
    assert (names, moved(step)) == ("b", False)


@pytest.mark.parametrize(
    "off",
    [
        pool("p", origin("a", enabled=False), "b"),
        pool("p", origin("a", maintenance=(Window(start=0, end=900),)), "b"),
    ],
)
def test_temporary_gives_up_what_an_operator_switched_off(off: Pool) -> None:
    """A switched-off origin has not failed: its sessions move."""
    lb = lb_of(off, zero_downtime_failover=OF.TEMPORARY)

    tried, step = Session(lb, asked=facts(cookie=pin(lb, "a"))).run(FINE)
    assert (tried, moved(step)) == ("b", True)


def test_temporary_gives_up_a_pool_that_is_disabled() -> None:
    """The sessions of a disabled pool move."""
    lb = lb_of(pool("near", "a", enabled=False), FAR, zero_downtime_failover=OF.TEMPORARY)

    tried, step = Session(lb, asked=facts(cookie=pin(lb, "a"))).run(FINE)
    assert (tried, moved(step)) == ("c", True)


def test_sticky_moves_the_session() -> None:
    """Cloudflare: "the session affinity cookie is updated and subsequent requests are sent to"."""
    lb = lb_of(NEAR, zero_downtime_failover=OF.STICKY)
    asked = facts(cookie=pin(lb, "b"))

    for at in (moment("near/b"), moment(ejected="near/b")):
        _, step = Session(lb, at, asked).run(FINE)
        assert isinstance(step, Deliver)
        assert (step.set_cookie or "").startswith(pin(lb, "a"))


def test_a_session_stays_on_an_origin_that_failed_its_request_alone() -> None:
    """A session lost its origin for good when a single request failed there.

    What the failure says about the origin is decided at the end of the request; the origin keeps
    its sessions until it is ejected or down.
    """
    lb = lb_of(NEAR, zero_downtime_failover=OF.STICKY)
    session = Session(lb, moment(), facts(cookie=pin(lb, "b")))

    tried, step = session.run(FAILED, FINE)
    assert isinstance(step, Deliver)
    assert (tried, moved(step)) == ("ba", False)
    assert session.plan.cookie_from(step.origin, moment(ejected="near/b")) is not None


@pytest.mark.parametrize("failover", list(ZeroDowntimeFailover))
def test_no_session_makes_a_post_go_twice(failover: ZeroDowntimeFailover) -> None:
    """The rules for retries are the same with and without a session."""
    lb = lb_of(NEAR, zero_downtime_failover=failover)
    asked = facts("POST", cookie=pin(lb, "b"))

    assert Session(lb, asked=asked).run(FAILED)[0] == "b"


# failover_across_pools


def test_a_session_fails_over_inside_its_pool_first() -> None:
    """Cloudflare: other pools "when no healthy alternate exists in the same pool"."""
    lb = lb_of(NEAR, FAR)

    assert Session(lb, asked=facts(cookie=pin(lb, "d"))).run(FAILED)[0] == "dca"


def test_without_failover_across_pools_a_request_stays_in_its_pool() -> None:
    """Failover stays in the pool of the first attempt, which is chosen as usual."""
    lb = lb_of(NEAR, FAR, across_pools=False)

    assert Session(lb).run(FAILED)[0] == "ab"
    assert Session(lb, moment("near/a")).run(FAILED)[0] == "ba"
    assert Session(lb, moment("near/a", "near/b")).run(FAILED)[0] == "cd"
    assert Session(lb, asked=facts(cookie=pin(lb, "c"))).run(FAILED)[0] == "cd"


# The cost without sessions


def test_a_load_balancer_without_affinity_reads_no_header_of_a_session() -> None:
    """Without affinity, no header is read for sessions."""
    read: list[str] = []

    def header(name: str) -> None:
        read.append(name)

    lb = balancer_of(NEAR)
    Session(lb, asked=type(facts())("GET", "https://x.example.com/", header)).run(FINE)

    assert read == []
