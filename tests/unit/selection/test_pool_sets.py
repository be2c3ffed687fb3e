"""Pool sets: pools for requests from some places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lb.config import Invalid, parse
from lb.model import (
    Config,
    FixedResponse,
    LoadBalancer,
    PoolSet,
    RandomSteering,
    Region,
    Rule,
    SessionAffinity,
    SteeringPolicy,
    Topology,
)
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt, Refuse
from lb.selection.pool_sets import PoolSets
from support.make import balancer_of, config_of, facts, pool, scripted

A, B, C, LAST = (pool(name, f"{name}-1") for name in ("a", "b", "c", "last"))
FRANKFURT: dict[str, object] = {"colo": "FRA", "country": "DE"}
OREGON: dict[str, object] = {"colo": "PDX", "country": "US", "regionCode": "OR"}
TEXAS: dict[str, object] = {"colo": "DFW", "country": "US", "regionCode": "TX"}


def named(lb: LoadBalancer, cf: dict[str, object]) -> str | None:
    """Return the name of the set that matches a request."""
    found = PoolSets(lb).find(facts(cf=cf))
    return None if found is None else found.name


def planned(balancer: Balancer, cf: dict[str, object], *chance: float, cookie: str = "") -> Any:
    """Return the pool of a request's first attempt, or a refusal."""
    rand = scripted(*(chance or (0.5,)))
    _, plan = balancer.plan(facts(cf=cf, cookie=cookie), 5.0, rand)
    if isinstance(plan, Refuse):
        return plan
    step = plan.start()
    assert isinstance(step, Attempt)
    return step.origin.pool


def test_the_first_set_that_matches_decides() -> None:
    """The first matching set applies, in the configured order; disabled sets are skipped."""
    lb = balancer_of(
        A,
        pool_sets=(
            PoolSet(name="off", pools=(C,), disabled=True),
            PoolSet(name="region", pools=(B,), match=Topology(regions=(Region.WNAM,))),
            PoolSet(name="pop", pools=(C,), match=Topology(pops=("PDX", "FRA"))),
            PoolSet(name="rest", pools=(A,)),
        ),
    )

    assert named(lb, OREGON) == "region"
    assert named(lb, FRANKFURT) == "pop"
    assert named(lb, TEXAS) == "rest"
    assert named(lb, {}) == "rest"


@pytest.mark.parametrize(
    ("cf", "found"), [(OREGON, "us west"), (TEXAS, None), (FRANKFURT, None), ({}, None)]
)
def test_the_lists_of_a_topology_are_joined_by_and(
    cf: dict[str, object], found: str | None
) -> None:
    """All lists of a set have to match, as Cloudflare's page says; one of its SDKs says OR."""
    both = Topology(countries=("US", "DE"), regions=(Region.WNAM,))
    lb = balancer_of(A, pool_sets=(PoolSet(name="us west", pools=(B,), match=both),))

    assert named(lb, cf) == found


def test_a_set_has_pools_weights_policy_and_fallback_of_its_own() -> None:
    """A set overrides pools, weights, the policy and the fallback pool."""
    one = PoolSet(
        name="de",
        pools=(B, C),
        match=Topology(countries=("DE",)),
        steering_policy=SteeringPolicy.RANDOM,
        random_steering=RandomSteering(default_weight=0.25, pool_weights=(("b", 0.75),)),
        fallback_pool=LAST,
    )
    balancer = Balancer(config_of(balancer_of(A, pool_sets=(one,))))

    assert planned(balancer, FRANKFURT, 0.74) == "b"
    assert planned(balancer, FRANKFURT, 0.76) == "c"
    assert planned(balancer, TEXAS, 0.76) == "a"
    serving, _ = balancer.plan(facts(cf=FRANKFURT), 5.0, scripted(0.5))
    assert serving is not None
    assert serving.lb.fallback_pool is LAST
    assert [one.name for one in serving.lb.pools] == ["b", "c", "last"]


def test_the_standard_fields_mean_nothing_for_a_set() -> None:
    """A set without a policy uses failover order; maps of places do not apply to it."""
    lb = balancer_of(
        A,
        steering_policy=SteeringPolicy.GEO,
        country_pools=(("DE", (C,)),),
        pool_sets=(PoolSet(name="fra", pools=(B, C), match=Topology(pops=("FRA",))),),
    )
    balancer = Balancer(config_of(lb))

    assert planned(balancer, FRANKFURT) == "b"
    assert planned(balancer, {"colo": "MUC", "country": "DE"}) == "c"


def test_a_set_may_answer_itself() -> None:
    """A fixed response is the complete answer: no rule is evaluated."""
    closed = FixedResponse(status_code=403, message_body="not here")
    lb = balancer_of(
        A,
        pool_sets=(PoolSet(name="x", match=Topology(countries=("DE",)), fixed_response=closed),),
        rules=(Rule(name="all", fixed_response=FixedResponse(status_code=500)),),
    )
    balancer = Balancer(config_of(lb))

    refusal = planned(balancer, FRANKFURT)
    assert (refusal.status, refusal.fixed) == (403, closed)
    assert planned(balancer, TEXAS).status == 500


def test_rules_come_after_sets() -> None:
    """Rules are evaluated after sets, and override fields of the set."""
    one = PoolSet(name="de", pools=(B, C), match=Topology(countries=("DE",)))
    other = PoolSet(name="us", pools=(C, A), match=Topology(countries=("US",)))
    rule = Rule(
        name="reverse",
        condition='http.request.uri.path eq "/last"',
        overrides=(("default_pools", (LAST,)),),
    )
    sticky = replace(rule, name="sticky", condition="", overrides=(("session_affinity_ttl", 60),))
    lb = balancer_of(A, pool_sets=(one, other), rules=(rule, sticky))
    balancer = Balancer(config_of(lb))

    assert planned(balancer, FRANKFURT) == "b"
    assert planned(balancer, TEXAS) == "c"
    _, plan = balancer.plan(facts(url="https://x.test/last", cf=TEXAS), 5.0, scripted(0.5))
    assert isinstance(plan, Plan)
    assert plan.serving.lb.default_pools == (LAST,)
    assert plan.serving.lb.session_affinity_ttl == 60

    def served(cf: dict[str, object], url: str = "https://x.test/") -> object:
        return balancer.plan(facts(url=url, cf=cf), 5.0, scripted(0.5))[0]

    assert served(TEXAS, "https://x.test/last") is plan.serving
    assert served(TEXAS) is served(TEXAS)
    assert len({id(served(FRANKFURT)), id(served(TEXAS)), id(plan.serving)}) == 3


def test_a_session_stays_within_its_set() -> None:
    """A cookie for an origin outside of the set is ignored."""
    lb = balancer_of(
        A,
        B,
        fallback_pool=LAST,
        session_affinity=SessionAffinity.COOKIE,
        pool_sets=(PoolSet(name="de", pools=(B,), match=Topology(countries=("DE",))),),
    )
    balancer = Balancer(config_of(lb))
    _, plan = balancer.plan(facts(), 5.0, scripted(0.5))
    assert isinstance(plan, Plan)
    now = balancer.memory.snapshot(5.0)
    cookies = [plan.cookie_from(one.origins[0], now) or "" for one in (A, B)]
    of_a, of_b = (cookie.partition(";")[0] for cookie in cookies)

    assert planned(balancer, TEXAS, cookie=of_b) == "b"
    assert planned(balancer, FRANKFURT, cookie=of_a) == "b"


def test_what_only_sets_lead_to_is_probed_and_known() -> None:
    """The load balancer includes the pools of its sets, but not those of disabled ones."""
    sets = (PoolSet(name="x", pools=(B,), fallback_pool=LAST), PoolSet(name="y", disabled=True))
    lb = balancer_of(A, pool_sets=(*sets, PoolSet(name="z", pools=(C,), disabled=True)))

    assert [one.name for one in lb.reachable] == ["a", "b", "last"]
    assert [one.name for one in lb.pools] == ["a"]


def test_the_walk_over_sets_is_made_once_for_a_place() -> None:
    """A thousand sets cost a request no more than one; only facts that a set needs are read."""
    asked: list[str] = []

    class Cf(dict[str, object]):
        def get(self, path: str, default: object = None) -> object:
            asked.append(path)
            return dict.get(self, path, default)

    names = [f"{x}{y}{z}" for x in "ABCDEFGHIJ" for y in "ABCDEFGHIJ" for z in "ABCDEFGHIJ"]
    made = tuple(PoolSet(name=one, pools=(B,), match=Topology(pops=(one,))) for one in names)
    sets = PoolSets(balancer_of(A, pool_sets=made))

    for _ in range(2):
        found = sets.find(facts(cf=Cf(colo="JJJ", country="DE")))
        assert found is made[-1]
    assert asked == ["colo", "colo"]


def changed(**fields: object) -> list[str]:
    """Return the problems of a configuration with one set that has these fields."""
    one = {"name": "s", "overrides": {"pools": ["p"]}, **fields}
    origins = [{"name": "a", "address": "a.example.com"}]
    lb = {"name": "*", "default_pools": ["p"], "fallback_pool": "p", "pool_sets": [one]}
    document = {"pools": [{"name": "p", "origins": origins}], "load_balancers": [lb]}
    found = parse(document)
    if isinstance(found, Invalid):
        return [str(each) for each in found.problems]
    assert isinstance(found, Config)
    return []


AT = "$.load_balancers[0].pool_sets[0]"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, None),
        ({"match": {"default": True}}, None),
        ({"match": {"topology": {"pops": ["SJC"], "regions": ["WNAM"]}}}, None),
        ({"overrides": None}, f"needs overrides.pools or a fixed_response @ {AT}"),
        ({"overrides": {}}, f"needs overrides.pools or a fixed_response @ {AT}"),
        ({"match": {}}, f"needs default = true or a topology @ {AT}.match"),
        (
            {"match": {"default": True, "topology": {"pops": ["SJC"]}}},
            f"cannot have both default and topology @ {AT}.match",
        ),
        (
            {"match": {"topology": {}}},
            f"names no place: give pops, countries or regions @ {AT}.match.topology",
        ),
        (
            {"match": {"topology": {"pops": ["SJC", "FRA", "SJC"]}}},
            f"is listed at {AT}.match.topology.pops[0] already @ {AT}.match.topology.pops[2]",
        ),
        (
            {"match": {"topology": {"countries": ["de"]}}},
            (
                "must be a country's two capital letters (ISO 3166-1), as DE "
                f"@ {AT}.match.topology.countries[0]"
            ),
        ),
        (
            {"overrides": {"pools": ["p"], "steering_policy": "geo"}},
            f'"geo" is not possible: the set is a place @ {AT}.overrides.steering_policy',
        ),
        (
            {"overrides": {"pools": ["q"]}},
            f'there is no pool named "q" @ {AT}.overrides.pools[0]',
        ),
        (
            {"overrides": {"pools": ["p"], "pool_weights": {"q": 1}}},
            f'there is no pool named "q" @ {AT}.overrides.pool_weights.q',
        ),
    ],
)
def test_mistakes_are_reported(fields: dict[str, object], problem: str | None) -> None:
    """Each POOL_SET_* error of Cloudflare's has a message here."""
    assert changed(**fields) == ([] if problem is None else [problem])
