"""Steering policies: the order of the pools for a request."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.health.in_flight import InFlight
from lb.health.machine import observe
from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth, Verdict
from lb.model import Health, LoadBalancer, Pool, RandomSteering, Region, SteeringPolicy
from lb.model.identity import identity_of
from lb.request.regions import REGION_OF_COUNTRY, REGION_OF_SUBDIVISION, region_of
from lb.selection.steering import POLICIES
from lb.selection.steering.proximity import kilometres
from lb.state.memory import Memory
from lb.state.shared_view import SharedHealth
from support.make import balancer_of, config_of, facts, monitor, pool, scripted
from support.state import World

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING = Snapshot({}, {}, 0.0)
EAST, WEST, EUROPE, ASIA = (pool(name, f"{name}-1") for name in ("east", "west", "europe", "asia"))
TOKYO: dict[str, object] = {
    "colo": "NRT",
    "country": "JP",
    "latitude": "35.7",
    "longitude": "139.7",
}
TEXAS: dict[str, object] = {"colo": "DFW", "country": "US", "regionCode": "TX"}
OREGON: dict[str, object] = {"colo": "PDX", "country": "US", "regionCode": "OR"}


def order(
    lb: LoadBalancer,
    *chance: float,
    cf: Mapping[str, object] | None = None,
    snapshot: Snapshot = NOTHING,
) -> list[str]:
    """Return the names of the pools for a request, in order."""
    rand = scripted(*(chance or (0.5,)))
    steer = POLICIES[lb.steers_by](lb)
    return [one.name for one in steer(facts(cf=cf), snapshot, rand)]


def down(*pools: Pool) -> Snapshot:
    """Return a snapshot in which the origins of these pools are unhealthy."""
    sick = OriginHealth(health=Health.UNHEALTHY)
    return Snapshot({one.key: sick for each in pools for one in each.origins}, {}, 0.0)


def busy(**counts: int) -> Snapshot:
    """Return a snapshot with these outstanding requests at the first origin of each pool."""
    in_flight = InFlight()
    for name, count in counts.items():
        for _ in range(count):
            in_flight.begin((name, f"{name}-1"), 0.0, 60.0)
    return Snapshot({}, {}, 0.0, in_flight=in_flight)


def test_off() -> None:
    """`off` yields default_pools in order; the caller skips unhealthy ones."""
    lb = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.OFF)

    assert order(lb, cf=TOKYO) == ["east", "west"]


@pytest.mark.parametrize("key", ["pop_pools", "country_pools", "region_pools"])
def test_no_policy_is_geo_if_any_map_is_set_else_off(key: str) -> None:
    """Without a policy, a load balancer with a map of places uses `geo`, any other `off`."""
    place = {"pop_pools": "NRT", "country_pools": "JP", "region_pools": Region.NEAS}[key]
    maps: dict[str, Any] = {key: ((place, (ASIA,)),)}
    mapped = balancer_of(EAST, WEST, **maps)

    assert order(balancer_of(EAST, WEST), cf=TOKYO) == ["east", "west"]
    assert order(mapped, cf=TOKYO) == ["asia"]
    off = balancer_of(EAST, steering_policy=SteeringPolicy.OFF, **maps)
    assert order(off, cf=TOKYO) == ["east"]


def test_geo_goes_by_the_narrowest_place() -> None:
    """pop_pools come before country_pools, region_pools and default_pools, each in its order."""
    lb = balancer_of(
        EAST,
        pop_pools=(("DFW", (WEST, EAST)),),
        country_pools=(("US", (EUROPE,)), ("JP", (ASIA, WEST))),
        region_pools=((Region.ENAM, (ASIA,)), (Region.WEU, (EUROPE, EAST))),
    )

    assert order(lb, cf=TEXAS) == ["west", "east"]
    assert order(lb, cf=OREGON) == ["europe"]
    assert order(lb, cf=TOKYO) == ["asia", "west"]
    assert order(lb, cf={"colo": "FRA", "country": "DE"}) == ["europe", "east"]
    assert order(lb, cf={"colo": "SYD", "country": "AU"}) == ["east"]


def test_geo_without_a_place_is_the_default() -> None:
    """A request from an unknown place gets default_pools."""
    lb = balancer_of(
        EAST,
        WEST,
        pop_pools=(("DFW", (ASIA,)),),
        country_pools=(("US", (ASIA,)),),
        region_pools=((Region.ENAM, (ASIA,)),),
    )

    for cf in (None, {}, {"colo": "QQQ"}, {"country": "XX"}, {"country": "T1"}, {"country": 7}):
        assert order(lb, cf=cf) == ["east", "west"]


def test_geo_reads_only_what_its_maps_need() -> None:
    """Facts that no map needs are not read: each one is a call from Python to JavaScript."""
    asked: list[str] = []

    class Cf(dict[str, object]):
        def get(self, path: str, default: object = None) -> object:
            asked.append(path)
            return default

    steer = POLICIES[SteeringPolicy.GEO](balancer_of(EAST, country_pools=(("DE", (EUROPE,)),)))
    list(steer(facts(cf=Cf(colo=1)), NOTHING, scripted(0.5)))

    assert asked == ["country"]


def test_regions_are_those_of_countries_and_of_states() -> None:
    """Each region has countries or states; those of the US and Canada are found by regionCode."""
    found = {*REGION_OF_COUNTRY.values()} | {
        region for codes in REGION_OF_SUBDIVISION.values() for region in codes.values()
    }
    assert found == set(Region)
    # All 249 of ISO 3166-1 but Antarctica and those two, and Kosovo.
    assert len(REGION_OF_COUNTRY) == 249 - 3 + 1
    assert {country: len(codes) for country, codes in REGION_OF_SUBDIVISION.items()} == {
        "US": 51,
        "CA": 13,
    }
    assert region_of(facts(cf=TEXAS)) is Region.ENAM
    assert region_of(facts(cf=OREGON)) is Region.WNAM
    assert region_of(facts(cf={"country": "CA", "regionCode": "BC"})) is Region.WNAM
    assert region_of(facts(cf={"country": "US"})) is None
    assert region_of(facts()) is None


def weighted(policy: SteeringPolicy = SteeringPolicy.RANDOM, **weights: float) -> LoadBalancer:
    """Return a load balancer over east, west and europe with these weights; the default is 0.5."""
    return balancer_of(
        EAST,
        WEST,
        EUROPE,
        steering_policy=policy,
        random_steering=RandomSteering(default_weight=0.5, pool_weights=tuple(weights.items())),
    )


def test_random_follows_the_weights() -> None:
    """`random` picks among healthy pools by the weights of random_steering."""
    lb = weighted(west=1.0)

    picks = {number: order(lb, number)[0] for number in (0.0, 0.24, 0.25, 0.74, 0.75, 0.99)}

    assert picks == {
        0.0: "east",
        0.24: "east",
        0.25: "west",
        0.74: "west",
        0.75: "europe",
        0.99: "europe",
    }
    assert sorted(order(lb, 0.3, 0.9)) == ["east", "europe", "west"]


def test_random_is_among_the_pools_that_take_traffic() -> None:
    """The remaining pools keep their relative weights."""
    lb = weighted(west=1.0, europe=0.25)

    assert order(lb, 0.79, snapshot=down(EAST)) == ["west", "europe"]
    assert order(lb, 0.81, snapshot=down(EAST)) == ["europe", "west"]
    assert order(lb, 0.5, snapshot=down(EAST, WEST, EUROPE)) == []


def test_a_pool_of_weight_0_gets_nothing() -> None:
    """A pool of weight 0 is never picked; it is part of the last resort."""
    assert all("west" not in order(weighted(west=0.0), n / 10) for n in range(10))


@pytest.mark.parametrize(
    "policy",
    [
        SteeringPolicy.RANDOM,
        SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        SteeringPolicy.LEAST_CONNECTIONS,
    ],
)
def test_without_load_the_shares_are_the_weights(policy: SteeringPolicy) -> None:
    """Within five standard deviations over 20,000 requests, of a fixed seed.

    Cloudflare of counts that are zero: "traffic is served solely based on random_steering weights".
    """
    lb, rand, requests = weighted(policy, west=1.0), Random(7), 20_000
    steer = POLICIES[policy](lb)
    found = Counter(next(iter(steer(facts(), NOTHING, rand.random))).name for _ in range(requests))

    for name, share in (("east", 0.25), ("west", 0.5), ("europe", 0.25)):
        assert abs(found[name] - requests * share) < 5 * (requests * share * (1 - share)) ** 0.5


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_of_two_pools_the_one_with_fewer_requests_is_taken(one: float, other: float) -> None:
    """Of two pools the one with fewer outstanding requests wins, whatever the random numbers."""
    lb = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.LEAST_OUTSTANDING_REQUESTS)

    assert order(lb, one, other, snapshot=busy(east=3, west=2)) == ["west", "east"]
    assert order(lb, one, other, snapshot=busy(east=2, west=3)) == ["east", "west"]


def test_weights_scale_what_is_outstanding() -> None:
    """(outstanding + 1) / weight: a pool of weight 1 may have twice the requests of one of 0.5."""
    lb = balancer_of(
        EAST,
        WEST,
        steering_policy=SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        random_steering=RandomSteering(pool_weights=(("west", 0.5),)),
    )

    for chance in (0.1, 0.9):
        assert order(lb, chance, snapshot=busy(east=5, west=3))[0] == "east"
        assert order(lb, chance, snapshot=busy(east=6, west=2))[0] == "west"


def test_least_connections_counts_websockets() -> None:
    """An open WebSocket counts as a connection, for as long as one is assumed to last."""
    lb = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.LEAST_CONNECTIONS)
    requests = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.LEAST_OUTSTANDING_REQUESTS)
    moment = busy(west=1)
    moment.in_flight.open_socket(("east", "east-1"), 0.0)
    moment.in_flight.open_socket(("east", "east-1"), 0.0)

    for chance in (0.1, 0.9):
        assert order(lb, chance, snapshot=moment)[0] == "west"
        assert order(requests, chance, snapshot=moment)[0] == "east"


def located(name: str, latitude: float, longitude: float) -> Pool:
    """Return a pool at a place."""
    return pool(name, f"{name}-1", latitude=latitude, longitude=longitude)


FRANKFURT = located("frankfurt", 50.1, 8.7)
VIRGINIA = located("virginia", 39.0, -77.5)
OSAKA = located("osaka", 34.7, 135.5)


def test_proximity_goes_by_the_great_circle() -> None:
    """The nearest pool comes first; pools without coordinates come last."""
    lb = balancer_of(EAST, FRANKFURT, VIRGINIA, OSAKA, steering_policy=SteeringPolicy.PROXIMITY)

    assert order(lb, cf=TOKYO) == ["osaka", "frankfurt", "virginia", "east"]
    lima = {"latitude": "-12.05", "longitude": "-77.04"}
    assert order(lb, cf=lima) == ["virginia", "frankfurt", "osaka", "east"]
    # Over the date line, not around the world.
    hawaii = {"latitude": "21.3", "longitude": "-157.9"}
    assert order(lb, cf=hawaii) == ["osaka", "virginia", "frankfurt", "east"]


@pytest.mark.parametrize(
    "cf",
    [
        None,
        {"latitude": "1"},
        {"latitude": "x", "longitude": "1"},
        {"latitude": "1e9", "longitude": "1"},
    ],
)
def test_proximity_without_a_place_keeps_the_order(cf: Mapping[str, object] | None) -> None:
    """A request without coordinates gets the configured order."""
    lb = balancer_of(VIRGINIA, FRANKFURT, steering_policy=SteeringPolicy.PROXIMITY)

    assert order(lb, cf=cf) == ["virginia", "frankfurt"]


def test_distances_are_those_on_earth() -> None:
    """Paris to New York is 5,837 km, pole to pole half a circumference."""
    assert kilometres(48.8566, 2.3522, 40.7128, -74.0060) == pytest.approx(5837, abs=5)
    assert kilometres(90, 0, -90, 0) == pytest.approx(20015, abs=1)
    assert kilometres(10, 180, 10, -180) == pytest.approx(0, abs=1e-6)


def timed(**seconds: dict[str, float]) -> Snapshot:
    """Return a snapshot with these latencies by region at the first origins of these pools."""
    return Snapshot(
        {
            (name, f"{name}-1"): OriginHealth(latencies=tuple(each.items()))
            for name, each in seconds.items()
        },
        {},
        0.0,
    )


def test_dynamic_latency_goes_by_the_region_of_the_request() -> None:
    """The lowest latency for the region comes first; pools without data keep their order."""
    lb = balancer_of(EAST, WEST, EUROPE, ASIA, steering_policy=SteeringPolicy.DYNAMIC_LATENCY)
    moment = timed(
        east={"ENAM": 0.02, "NEAS": 0.16},
        west={"ENAM": 0.06, "NEAS": 0.10},
        asia={"ENAM": 0.15, "NEAS": 0.01},
    )

    assert order(lb, cf=TOKYO, snapshot=moment) == ["asia", "west", "east", "europe"]
    assert order(lb, cf=TEXAS, snapshot=moment) == ["east", "west", "asia", "europe"]
    assert order(lb, cf={"country": "DE"}, snapshot=moment) == ["east", "west", "europe", "asia"]
    assert order(lb, cf=TOKYO) == ["east", "west", "europe", "asia"]


def test_dynamic_latency_without_regions_is_the_same_for_all() -> None:
    """Without check_regions, all clients use the latencies seen from one place."""
    lb = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.DYNAMIC_LATENCY)
    moment = timed(east={"": 0.2}, west={"": 0.1})

    for cf in (None, TOKYO, TEXAS):
        assert order(lb, cf=cf, snapshot=moment) == ["west", "east"]


def test_a_pools_latency_is_the_mean_of_its_origins_that_serve() -> None:
    """Origins that are down do not count in the latency of their pool."""
    both = pool("both", "fast", "slow")
    lb = balancer_of(both, EAST, steering_policy=SteeringPolicy.DYNAMIC_LATENCY)
    known = {
        ("both", "fast"): OriginHealth(latencies=(("", 0.01),)),
        ("both", "slow"): OriginHealth(latencies=(("", 0.09),)),
        ("east", "east-1"): OriginHealth(latencies=(("", 0.04),)),
    }
    sick = {("both", "slow"): OriginHealth(health=Health.UNHEALTHY, latencies=(("", 0.09),))}

    assert order(lb, snapshot=Snapshot(known, {}, 0.0)) == ["east", "both"]
    assert order(lb, snapshot=Snapshot({**known, **sick}, {}, 0.0)) == ["both", "east"]


def test_orders_follow_the_moment() -> None:
    """An order that was prepared for one snapshot is not used with the next."""
    lb = balancer_of(EAST, WEST, steering_policy=SteeringPolicy.DYNAMIC_LATENCY)
    steer = POLICIES[SteeringPolicy.DYNAMIC_LATENCY](lb)

    for east, first in ((0.1, "east"), (0.3, "west"), (0.1, "east")):
        moment = timed(east={"": east}, west={"": 0.2})
        assert next(iter(steer(facts(), moment, scripted(0.5)))).name == first


def latent(**fields: Any) -> LoadBalancer:
    """Return a load balancer over two monitored pools with dynamic_latency."""
    watch = monitor(interval=30)
    return balancer_of(
        pool("near", "n", monitor=watch, **fields),
        pool("far", "f", monitor=watch, **fields),
        steering_policy=SteeringPolicy.DYNAMIC_LATENCY,
    )


def test_latency_is_an_exponentially_weighted_mean() -> None:
    """The newest probe counts for a quarter; failed probes do not count."""
    known = OriginHealth()
    for passed, seconds in ((True, 0.1), (True, 0.3), (False, 5.0)):
        timing = (("WEU", seconds),) if passed else ()
        verdict = Verdict(passed=passed, latencies=timing)
        known, _ = observe(EAST.origins[0], monitor(), known, verdict, 0.0)

    assert known.latency_from(Region.WEU) == pytest.approx(0.1 + (0.3 - 0.1) / 4)
    assert known.latency_from(Region.OC) is None


def test_isolates_are_told_of_latencies_that_moved() -> None:
    """The shared view has latencies that changed enough, where a policy uses them."""
    world = World(config_of(latent()))
    takes = {"n": 0.010, "f": 0.100}
    world.takes = takes

    world.run_until(0)
    first = world.view()
    known = {key[1]: dict(one.latencies) for key, one in first.origins.items()}
    assert known["n"] == pytest.approx({"": 0.010})
    assert known["f"] == pytest.approx({"": 0.100})
    takes["n"] = 0.012
    world.run_until(60)
    assert world.view().version == first.version
    takes["n"] = 0.500
    world.run_until(90)
    assert world.view().version > first.version

    quiet = World(config_of(replace(latent(), steering_policy=SteeringPolicy.OFF)))
    quiet.takes = takes
    quiet.run_until(60)
    assert all(one.latencies == () for one in quiet.view().origins.values())


def test_an_isolate_goes_by_the_latencies_that_it_is_told() -> None:
    """A shared view, or an own probe, changes the order of the next request."""
    config = config_of(latent())
    steer = POLICIES[SteeringPolicy.DYNAMIC_LATENCY](config.load_balancers[0])
    memory = Memory(config)

    def first() -> str:
        return next(iter(steer(facts(), memory.snapshot(5.0), scripted(0.5)))).name

    assert first() == "near"
    for name, seconds in (("n", 0.2), ("f", 0.1)):
        one = next(one for each in config.pools for one in each.origins if one.name == name)
        verdict = Verdict(passed=True, latencies=(("", seconds),))
        memory.observe(one, monitor(interval=30), verdict, 1.0)
    assert first() == "far"
    told = SharedHealth(
        version=9,
        fingerprint=identity_of(config),
        probed=4.0,
        origins={
            ("near", "n"): OriginHealth(health=Health.HEALTHY, latencies=(("", 0.01),)),
            ("far", "f"): OriginHealth(health=Health.HEALTHY, latencies=(("", 0.1),)),
        },
    )
    memory.adopt(told, 4.5)
    assert first() == "near"


def test_regions_tell_how_long_their_probes_took() -> None:
    """Each region has latencies of its own; check_regions lists the regions."""
    regions = (Region.WEU, Region.NEAS)
    config = config_of(latent(check_regions=regions))
    times = {Region.WEU: {"n": 0.02, "f": 0.2}, Region.NEAS: {"n": 0.2, "f": 0.02}}
    world = World(config, votes={at: {"n": True, "f": True} for at in regions}, times=times)

    world.run_until(0)
    lb, known = config.load_balancers[0], world.view().origins

    moment = Snapshot(known, {}, 0.0)
    assert order(lb, cf=TOKYO, snapshot=moment) == ["far", "near"]
    assert order(lb, cf={"country": "DE"}, snapshot=moment) == ["near", "far"]
