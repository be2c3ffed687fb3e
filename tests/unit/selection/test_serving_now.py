"""What serves now, as messages say it, is what the plan of a request does."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth
from lb.model import Config, Health, LoadBalancer, Pool, PoolSet, RandomSteering, SteeringPolicy
from lb.notify.wording import serving_lines
from lb.proxy.prepared import PreparedLoadBalancer
from lb.selection.candidates import candidates
from lb.selection.pool_sets import within
from lb.selection.serving_now import FIRST_POOLS, serving_now
from support.make import balancer_of, facts, origin, pool

UP, DOWN = OriginHealth(health=Health.HEALTHY), OriginHealth(health=Health.UNHEALTHY)


def snapshot(of: LoadBalancer, *down: str) -> Snapshot:
    """Return a moment at which these origins are down by their probes."""
    origins = [one for each in of.reachable for one in each.origins]
    return Snapshot({one.key: DOWN if one.name in down else UP for one in origins}, {}, 0.0)


def first(lb: LoadBalancer, now: Snapshot, chance: float, **given: Any) -> str:
    """Return the origin that a request is sent to first; "" = none."""
    serving = PreparedLoadBalancer(lb, "id", "")
    found = candidates(serving, now, facts(**given), lambda: chance, None, None, [])
    return next((one.name for one, _ in found), "")


def line(lb: LoadBalancer, *down: str) -> str:
    """Return what a message says of the load balancer."""
    config = Config(load_balancers=(lb,), pools=lb.reachable)
    (said,) = serving_lines(config, snapshot(lb, *down), [one.name for one in lb.reachable])
    return said.removeprefix("Every host: ")


def test_every_policy_says_which_pools_requests_get() -> None:
    """DEFAULT is resolved by the load balancer."""
    assert set(FIRST_POOLS) == set(SteeringPolicy) - {SteeringPolicy.DEFAULT}


def test_the_fallback_pool_is_named_only_if_requests_go_there() -> None:
    """The message named the fallback pool while 20 of 20 requests went to another pool.

    An origin that takes traffic is better than the fallback pool's unhealthy ones, even if its own
    pool has too few of them.
    """
    primary = pool("primary", "a", "b", minimum_origins=2)
    lb = balancer_of(primary, pool("backup", "c"), fallback_pool=pool("backup", "c"))

    assert {first(lb, snapshot(lb, "b", "c"), part / 20) for part in range(20)} == {"a"}
    assert line(lb, "b", "c") == "no pool is healthy; requests go to a in pool primary."
    assert line(lb, "a", "b", "c") == (
        "no pool is healthy; requests go to the fallback pool backup anyway."
    )


def test_a_fallback_pool_that_is_no_default_pool_is_named_while_it_is_healthy() -> None:
    """The message said that no pool was healthy."""
    lb = balancer_of(pool("primary", "a"), fallback_pool=pool("backup", "c", "d"))

    assert first(lb, snapshot(lb, "a"), 0.9) == "c"
    assert (
        line(lb, "a") == "no other pool is healthy; requests go to c in the fallback pool backup."
    )


def test_a_fallback_pool_that_is_switched_off_gets_nothing() -> None:
    """The message named it, although the plan leaves it out."""
    lb = balancer_of(pool("primary", "a"), fallback_pool=pool("backup", "c", enabled=False))

    assert first(lb, snapshot(lb, "a", "c"), 0.5) == "a"
    assert line(lb, "a", "c") == "no pool is healthy; requests go to a in pool primary anyway."


def test_where_everything_is_switched_off_requests_are_refused() -> None:
    """The message said that they go to the fallback pool."""
    lb = balancer_of(pool("p", "a", enabled=False), pool("q", origin("c", "q", enabled=False)))

    assert first(lb, snapshot(lb), 0.5) == ""
    assert line(lb) == ("no pool is healthy; requests are refused, as everything is switched off.")


def test_a_pool_without_weight_serves_nothing_new() -> None:
    """The message named it, with "no origin"."""
    lb = balancer_of(pool("primary", origin("a", "primary", weight=0.0)), pool("backup", "c"))

    assert first(lb, snapshot(lb), 0.5) == "c"
    assert line(lb) == "requests are served by pool backup (c)."


def test_each_place_has_its_pools() -> None:
    """With a map of places, only the first healthy pool of each place serves."""
    fra, lhr, spare = pool("fra", "f"), pool("lhr", "l"), pool("spare", "s")
    lb = balancer_of(
        fra, spare, fallback_pool=spare, country_pools=(("GB", (lhr,)), ("DE", (fra, lhr)))
    )

    assert line(lb) == "requests are served by pool fra (f) and pool lhr (l)."
    assert line(lb, "l") == (
        "requests are served by pool fra (f); for places without a healthy pool, requests go to s "
        "in the fallback pool spare."
    )
    assert first(lb, snapshot(lb, "l"), 0.5, cf={"country": "GB"}) == "s"


def test_pool_sets_have_a_last_resort_of_their_own() -> None:
    """A set's requests stay within its pools and its fallback pool."""
    primary, spare = pool("primary", "a"), pool("spare", "s")
    lb = balancer_of(primary, pool_sets=(PoolSet(name="set", pools=(spare,)),))

    assert line(lb) == "requests are served by pool primary (a) and pool spare (s)."
    assert line(lb, "s") == (
        "requests are served by pool primary (a); for places without a healthy pool, requests go "
        "to a in the fallback pool primary."
    )


def _pools(draw: Any) -> list[Pool]:
    return [
        pool(
            name,
            *(
                origin(
                    f"{name}{number}",
                    name,
                    weight=draw(some.sampled_from([0.0, 0.5, 1.0])),
                    enabled=draw(some.booleans()),
                )
                for number in range(draw(some.integers(1, 3)))
            ),
            minimum_origins=draw(some.integers(0, 2)),
            enabled=draw(some.sampled_from([True, True, False])),
        )
        for name in ("p", "q", "r")
    ]


@given(some.data())
def test_what_is_said_is_what_a_plan_does(data: some.DataObject) -> None:
    """Whatever is down or off: a request goes to a pool that is named, or to the last resort."""
    pools = _pools(data.draw)
    lb = balancer_of(
        *pools[: data.draw(some.integers(1, 3))],
        fallback_pool=data.draw(some.sampled_from(pools)),
        steering_policy=data.draw(some.sampled_from([*FIRST_POOLS])),
        country_pools=data.draw(some.sampled_from([(), (("DE", (pools[2],)),)])),
        random_steering=RandomSteering(
            pool_weights=(("p", data.draw(some.sampled_from([0.0, 1.0]))),)
        ),
        pool_sets=data.draw(some.sampled_from([(), (PoolSet(name="s", pools=(pools[1],)),)])),
    )
    names = [one.name for each in lb.reachable for one in each.origins]
    now = snapshot(lb, *data.draw(some.sets(some.sampled_from(names))))
    variants = [lb, *(within(lb, one) for one in lb.pool_sets)]

    for variant, said in zip(variants, serving_now(lb, now), strict=True):
        served = {
            first(variant, now, chance, cf={"country": country})
            for chance in (0.01, 0.2, 0.5, 0.8, 0.99)
            for country in ("DE", "US")
        }
        named = {one.name for each in said.pools for one in now.view(each).origins}
        resort = "" if said.resort is None else said.resort.name
        assert served <= named | (set() if said.all_placed else {resort})
        if not said.pools:
            assert served == {resort}
