"""Rules: which ones match, in which order, and what they change for a request."""

from __future__ import annotations

from typing import Any

import pytest

from lb.health.maintenance import borders
from lb.log_events import Refusal
from lb.model import (
    Ejection,
    Failover,
    FixedResponse,
    LoadBalancer,
    RandomSteering,
    Rule,
    SessionAffinity,
    SessionAffinityAttributes,
    SteeringPolicy,
    Window,
)
from lb.model.watched import timed
from lb.proxy.balancer import MOST_COMBINATIONS, Balancer
from lb.proxy.pages import page
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt, Refuse
from lb.request.outcomes import Cause, Failed, judge
from lb.selection.rules import Rules
from lb.state.memory import Memory
from support.make import balancer_of, config_of, facts, monitor, origin, pool, record

MAIN, API, BETA, DARK = pool("main", "m"), pool("api", "a"), pool("beta", "b"), pool("dark", "d")
NOW = 1_800_000_000.0


def rule(name: str, condition: str = "", **fields: Any) -> Rule:
    """Return a rule; its overrides are given as a mapping."""
    overrides = tuple(fields.pop("overrides", {}).items())
    return Rule(name=name, condition=condition, overrides=overrides, **fields)


def to(*pools: Any) -> dict[str, Any]:
    """Return an override of the pools."""
    return {"default_pools": pools, "fallback_pool": pools[0]}


def site(*rules: Rule, **fields: Any) -> Balancer:
    """Return a balancer over the pool `main` with these rules."""
    return Balancer(config_of(balancer_of(MAIN, rules=rules, **fields)))


def served(balancer: Balancer, url: str = "/", **headers: Any) -> str:
    """Return the name of the origin that serves a request, or the status of a refusal."""
    asked = facts(url=f"https://service.example.com{url}", **headers)
    _, plan = balancer.plan(asked, NOW, lambda: 0.0)
    if isinstance(plan, Refuse):
        return str(plan.status)
    step = plan.start()
    assert isinstance(step, Attempt)
    return step.origin.name


IS_API = 'starts_with(http.request.uri.path, "/api/")'


def test_a_condition_chooses_the_requests() -> None:
    """A rule applies to requests that match its condition; an empty condition matches all."""
    balancer = site(rule("api", IS_API, overrides=to(API)))

    assert served(balancer, "/api/x") == "a"
    assert served(balancer, "/") == "m"
    assert served(balancer, "/%61pi/x") == "a"
    assert served(site(rule("all", "", overrides=to(API)))) == "a"


def test_a_rule_can_ask_what_cloudflare_knows() -> None:
    """Conditions read the country, the address, cookies, the load balancer's name and the time."""
    conditions = (
        'ip.src.country eq "DE"',
        "ip.src in {198.51.100.0/24}",
        'http.cookie contains "beta=1"',
        'cf.load_balancer.name eq "*"',
        "http.request.timestamp.sec eq 1800000000",
    )
    for condition in conditions:
        balancer = site(rule("r", condition, overrides=to(BETA)))
        known = served(
            balancer, cf={"country": "DE"}, cf_connecting_ip="198.51.100.7", cookie="a=b; beta=1"
        )
        assert known == "b", condition


def test_a_disabled_rule_is_skipped() -> None:
    """A disabled rule never matches."""
    assert served(site(rule("r", disabled=True, overrides=to(API)))) == "m"


def test_lower_priorities_come_first_and_the_later_rule_wins() -> None:
    """Rules are evaluated by priority, lower first; equal ones in the configured order."""
    first, second = rule("1", overrides=to(API)), rule("2", overrides=to(BETA))
    assert served(site(first, second)) == "b"
    assert served(site(second, first)) == "a"

    late = rule("1", overrides=to(API), priority=9)
    assert served(site(late, second)) == "a"
    assert served(site(second, late)) == "a"


def test_later_rules_override_earlier_ones_property_by_property() -> None:
    """Later matching rules override earlier ones, each property on its own."""
    lb = balancer_of(
        MAIN,
        rules=(
            rule("pools", overrides={"default_pools": (API,), "session_affinity_ttl": 60}),
            rule("ttl", overrides={"session_affinity_ttl": 90}),
        ),
    )
    rules = Rules(lb)
    met, _, response = rules.decide(facts())
    made = rules.under(met)

    assert response is None
    assert (made.default_pools, made.session_affinity_ttl) == ((API,), 90)
    assert made.fallback_pool is MAIN
    assert made.rules == ()


def test_a_rule_that_terminates_ends_the_matter() -> None:
    """No rule is evaluated after a matching one with `terminates`."""
    last = rule("last", overrides=to(BETA))

    assert served(site(rule("t", IS_API, terminates=True, overrides=to(API)), last), "/api/") == "a"
    assert served(site(rule("t", IS_API, terminates=True, overrides=to(API)), last), "/") == "b"
    assert served(site(rule("t", IS_API, terminates=True), last), "/api/") == "m"


def test_what_is_told_of_rules_is_what_they_decide() -> None:
    """`evaluated` yields the rules that `decide` evaluates, and the ones that match."""
    made = Rules(
        balancer_of(
            MAIN,
            rules=(
                rule("a", 'http.cookie contains "a"', overrides=to(API)),
                rule("b", 'http.cookie contains "b"', terminates=True),
                rule("c", 'http.cookie contains "c"', fixed_response=FixedResponse()),
                rule("d", overrides=to(BETA)),
            ),
        )
    )

    def told(cookie: str) -> list[tuple[str, bool]]:
        return [(one.name, met) for one, met in made.evaluated(facts(cookie=cookie))]

    assert told("x") == [("a", False), ("b", False), ("c", False), ("d", True)]
    assert told("ab") == [("a", True), ("b", True)]
    assert told("c") == [("a", False), ("b", False), ("c", True)]
    assert made.decide(facts(cookie="x"))[0] == (3,)
    assert made.decide(facts(cookie="ab"))[0] == (0,)
    assert made.decide(facts(cookie="c"))[1] == "c"


def test_a_fixed_response_terminates_and_needs_no_origin() -> None:
    """A fixed response ends the evaluation, and no origin is needed."""
    fixed = FixedResponse(message_body="closed", status_code=403)
    balancer = site(
        rule("no", IS_API, fixed_response=fixed, overrides=to(API)), rule("r", overrides=to(BETA))
    )

    assert served(balancer, "/api/") == "403"
    assert served(balancer, "/") == "b"


@pytest.mark.parametrize(
    ("response", "status", "headers", "body"),
    [
        (
            FixedResponse(message_body="no", status_code=403),
            403,
            {"Content-Type": "text/plain; charset=utf-8"},
            "no",
        ),
        (
            FixedResponse(message_body="{}", content_type="application/json"),
            200,
            {"Content-Type": "application/json"},
            "{}",
        ),
        (
            FixedResponse(status_code=301, location="https://www.example.com/"),
            301,
            {"Location": "https://www.example.com/"},
            "",
        ),
        (FixedResponse(status_code=204), 204, {}, ""),
    ],
)
def test_a_fixed_response_is_what_the_rule_says_and_is_never_cached(
    response: FixedResponse, status: int, headers: dict[str, str], body: str
) -> None:
    """Body, status, type and location are the rule's; no cache stores it, no browser sniffs it."""
    made = page(Refuse(response.status_code, Refusal.FIXED_RESPONSE, fixed=response))
    always = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

    assert (made.status, dict(made.headers), made.body) == (status, {**always, **headers}, body)


def test_https_comes_before_rules() -> None:
    """A request that is redirected to HTTPS is not evaluated."""
    balancer = site(rule("r", fixed_response=FixedResponse(status_code=403)), https_redirect=True)
    asked = facts(url="http://service.example.com/")
    _, plan = balancer.plan(asked, NOW, lambda: 0.0)

    assert isinstance(plan, Refuse)
    assert plan.status == 301


def test_pools_of_a_rule_are_reached_by_no_other_request() -> None:
    """Other requests do not reach a rule's pools, not even as the last resort."""
    dead = pool("main", origin("m", "main", enabled=False))
    lb = balancer_of(dead, rules=(rule("beta", IS_API, overrides=to(BETA)),))
    balancer = Balancer(config_of(lb))
    _, plan = balancer.plan(facts(), NOW, lambda: 0.0)

    assert isinstance(plan, Plan)
    assert plan.start() == Refuse(503, Refusal.NO_ORIGIN_ENABLED, 5)
    assert served(balancer, "/api/") == "b"


def test_pools_of_a_rule_are_watched_like_all_others() -> None:
    """Origins of a rule's pools are probed and ejected, and their maintenance counts."""
    window = Window(start=NOW, end=NOW + 60)
    led_to = pool("led-to", origin("l", "led-to", maintenance=(window,)), monitor=monitor())
    lb = balancer_of(MAIN, rules=(rule("r", IS_API, overrides=to(led_to)),))
    config = config_of(lb)

    assert [pool.name for pool in lb.pools] == ["main"]
    assert [pool.name for pool in lb.reachable] == ["main", "led-to"]
    assert config.users_of("led-to") == "*"
    assert borders(config) == (NOW, NOW + 60)
    assert [one.name for one, _ in Memory(config).due(NOW + 61)] == ["l"]
    off = balancer_of(MAIN, rules=(rule("r", disabled=True, overrides=to(led_to)),))
    assert [pool.name for pool in off.reachable] == ["main"]


def test_a_rules_drain_is_a_border_of_time() -> None:
    """A rule may extend drain_duration; the snapshot is renewed at its end."""
    window = Window(start=NOW, end=NOW + 600)
    main = pool("main", origin("m", "main", maintenance=(window,)), "n")
    drained = SessionAffinityAttributes(drain_duration=60)
    lb = balancer_of(
        main,
        session_affinity=SessionAffinity.COOKIE,
        rules=(rule("r", overrides={"session_affinity_attributes": drained}),),
    )

    assert borders(config_of(lb)) == (NOW, NOW + 60, NOW + 600)


def test_a_rules_policy_by_latency_needs_latencies() -> None:
    """Latencies are shared only where a policy uses them, and a rule's policy counts."""
    by_latency = {**to(API), "steering_policy": SteeringPolicy.DYNAMIC_LATENCY}

    assert timed(config_of(balancer_of(MAIN, rules=(rule("r", overrides=to(API)),)))) == set()
    found = timed(config_of(balancer_of(MAIN, rules=(rule("r", overrides=by_latency),))))
    assert found == {"main", "api"}


def test_every_override_reaches_what_serves_the_request() -> None:
    """A rule can override steering policy and affinity for its requests."""
    attributes = SessionAffinityAttributes(drain_duration=30)
    overrides = {
        **to(API),
        "steering_policy": SteeringPolicy.DEFAULT,
        "session_affinity": SessionAffinity.COOKIE,
        "session_affinity_ttl": 1900,
        "session_affinity_attributes": attributes,
    }
    balancer = site(rule("r", IS_API, overrides=overrides))
    serving, plan = balancer.plan(facts(url="https://a.example.com/api/"), NOW, lambda: 0.0)
    without, _ = balancer.plan(facts(), NOW, lambda: 0.0)

    assert serving is not None
    assert without is not None
    assert isinstance(plan, Plan)
    assert plan.serving is serving
    made: LoadBalancer = serving.lb
    for name, value in overrides.items():
        assert getattr(made, name) == value
    assert (serving.keeping.drain, serving.affinity is None, without.affinity) == (
        30.0,
        False,
        None,
    )


def test_a_canary_gets_its_weight_of_the_requests_that_meet_its_rule() -> None:
    """A rule may steer at random on its own; sessions stay, other requests never reach it."""
    canary = to(API, BETA) | {
        "steering_policy": SteeringPolicy.RANDOM,
        "random_steering": RandomSteering(pool_weights=(("api", 0.95), ("beta", 0.05))),
        "session_affinity": SessionAffinity.COOKIE,
    }
    balancer = site(rule("canary", IS_API, overrides=canary))

    def plan(chance: float, url: str = "/api/x", **headers: Any) -> Plan:
        asked = facts(url=f"https://service.example.com{url}", **headers)
        _, made = balancer.plan(asked, NOW, lambda: chance)
        assert isinstance(made, Plan)
        return made

    def first(chance: float, url: str = "/api/x", **headers: Any) -> str:
        step = plan(chance, url, **headers).start()
        assert isinstance(step, Attempt)
        return step.origin.name

    assert [first(chance) for chance in (0.0, 0.94, 0.951, 0.999)] == ["a", "a", "b", "b"]
    assert {first(chance, "/") for chance in (0.0, 0.94, 0.951, 0.999)} == {"m"}
    lucky = plan(0.999)
    lucky.start()
    set_cookie = lucky.cookie_from(BETA.origins[0], balancer.memory.snapshot(NOW))
    cookie = str(set_cookie).partition(";")[0]
    assert first(0.0, cookie=cookie) == "b"


def test_a_combination_is_prepared_once() -> None:
    """Requests that match the same rules share one prepared load balancer."""
    balancer = site(
        rule("a", 'http.cookie contains "a"', overrides=to(API)),
        rule("b", 'http.cookie contains "b"', overrides={"session_affinity_ttl": 60}),
    )

    def serving(cookie: str) -> object:
        return balancer.plan(facts(cookie=cookie), NOW, lambda: 0.0)[0]

    assert serving("a") is serving("aa")
    assert serving("ab") is serving("ba")
    assert len({id(serving(cookie)) for cookie in ("", "a", "b", "ab")}) == 4


def test_retries_are_limited_for_all_requests_together() -> None:
    """Requests of a rule share the retry budget with all others."""
    balancer = site(rule("r", IS_API, overrides=to(API)), failover=Failover(retry_budget=20))
    base, _ = balancer.plan(facts(), NOW, lambda: 0.0)
    ruled, _ = balancer.plan(facts(url="https://a.example.com/api/"), NOW, lambda: 0.0)

    assert base is not None
    assert ruled is not None
    assert base is not ruled
    assert base.budget is not None
    assert base.budget is ruled.budget


def test_combinations_that_are_kept_are_bounded() -> None:
    """No client can fill the memory with combinations of rules; the oldest are prepared anew."""
    rules = [
        rule(f"r{at}", f'http.cookie contains "<{at}>"', overrides={"session_affinity_ttl": at})
        for at in range(12)
    ]
    balancer = site(*rules)
    made: list[tuple[str, object]] = []
    for number in range(1, 2**12, 5):
        wanted = [at for at in range(12) if number >> at & 1]
        cookie = "".join(f"<{at}>" for at in wanted)
        serving, _ = balancer.plan(facts(cookie=cookie), NOW, lambda: 0.0)
        assert serving is not None
        assert serving.lb.session_affinity_ttl == wanted[-1]
        made.append((cookie, serving))

    def kept(cookie: str, serving: object) -> bool:
        return balancer.plan(facts(cookie=cookie), NOW, lambda: 0.0)[0] is serving

    assert all(kept(*one) for one in made[-MOST_COMBINATIONS:])
    assert not any(kept(*one) for one in made[:-MOST_COMBINATIONS])


def test_without_rules_nothing_of_them_exists() -> None:
    """A load balancer without rules prepares none, and serves as it is."""
    balancer = site()

    assert [serving.rules for serving in balancer.servings] == [None]
    assert served(balancer) == "m"
    assert balancer.plan(facts(), NOW, lambda: 0.0)[0] is balancer.servings[0]


def test_an_ejection_by_a_rules_request_counts_for_all() -> None:
    """Failures of an origin count whichever rule led to it."""
    balancer = site(
        rule("r", IS_API, overrides={"default_pools": (BETA, MAIN)}),
        ejection=Ejection(consecutive_failures=1, base_time=30),
    )
    serving, plan = balancer.plan(facts(url="https://a.example.com/api/"), NOW, lambda: 0.0)
    assert isinstance(plan, Plan)
    assert serving is not None
    step = plan.start()
    assert isinstance(step, Attempt)
    judgement = judge(serving.retry_on, Failed(Cause.CONNECTION))
    record(balancer.memory, serving.lb, step.origin, judgement, NOW, NOW)

    assert served(balancer, "/api/") == "m"
