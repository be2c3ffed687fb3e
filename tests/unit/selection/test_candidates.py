"""Candidates: the order of pools and origins for a request."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lb.health.snapshot import (
    TAKES_HASHED,
    TAKES_NEW,
    TAKES_PINNED,
    EjectionState,
    Snapshot,
    Standing,
)
from lb.health.verdict import OriginHealth
from lb.model import Health, OriginSteeringPolicy, Pool, SteeringPolicy
from lb.proxy.prepared import COMES_BACK
from lb.selection.candidates import LAST_RESORT
from lb.selection.origin_steering import ORIGIN_POLICIES, by_hash, random
from lb.selection.steering import POLICIES, REASONS
from support.make import balancer_of, facts, origin, pool, scripted

NAMES = st.lists(
    st.text("abcdefgh0123456789", min_size=1, max_size=6), min_size=1, max_size=8, unique=True
)
ADDRESSES = st.ip_addresses().map(str)


def snapshot(**health: Health) -> Snapshot:
    """Return a snapshot in which the named origins of pool "p" have these healths."""
    return Snapshot({("p", n): OriginHealth(health=h) for n, h in health.items()}, {}, 0.0)


def hashed(of: Pool, ip: str) -> list[str]:
    """Return the names of the pool's origins in the order of a client's hash."""
    view = snapshot().view(of)
    return [one.name for one in by_hash(view, facts(cf_connecting_ip=ip), scripted(0.5))]


def test_every_standing_is_decided_everywhere() -> None:
    """The tables of standings are total."""
    assert set(TAKES_NEW) == set(TAKES_PINNED) == set(TAKES_HASHED) == set(Standing)
    assert set(LAST_RESORT) == set(COMES_BACK) == set(Standing)


def test_policies_are_tables_of_cloudflares_words() -> None:
    """The tables of policies are total; each configurable policy resolves to one of them."""
    assert set(POLICIES) == set(REASONS) == set(SteeringPolicy) - {SteeringPolicy.DEFAULT}
    for policy in SteeringPolicy:
        assert balancer_of(pool("p", "a"), steering_policy=policy).steers_by in POLICIES
    assert set(ORIGIN_POLICIES) == set(OriginSteeringPolicy)


def test_an_origin_stands_for_one_reason() -> None:
    """Precedence: disabled, the monitor's verdict, ejection, weight; unknown is available."""
    moment = Snapshot(
        {("p", "sick"): OriginHealth(health=Health.UNHEALTHY)},
        {("p", "out"): EjectionState(until=10.0), ("p", "over"): EjectionState(until=5.0)},
        5.0,
    )

    assert moment.standing(origin("new")) is Standing.AVAILABLE
    assert moment.standing(origin("new", weight=0)) is Standing.NO_WEIGHT
    assert moment.standing(origin("sick", weight=0)) is Standing.UNHEALTHY
    assert moment.standing(origin("sick", enabled=False)) is Standing.DISABLED
    assert moment.standing(origin("out")) is Standing.EJECTED
    assert moment.standing(origin("over")) is Standing.AVAILABLE
    assert moment.valid_until == 10.0


def test_minimum_origins_is_the_pools_threshold() -> None:
    """A pool with fewer healthy origins than minimum_origins takes no traffic."""
    one, both = pool("p", "a", "b"), pool("p", "a", "b", minimum_origins=2)

    assert snapshot(a=Health.UNHEALTHY).view(one).available
    assert not snapshot(a=Health.UNHEALTHY).view(both).available
    assert snapshot().view(both).available


def test_an_origin_of_weight_0_counts_as_healthy() -> None:
    """Weight 0 drains an origin: the pool keeps its threshold but sends it no new traffic."""
    view = snapshot().view(pool("p", "a", origin("b", weight=0), minimum_origins=2))

    assert view.available
    assert [one.name for one in view.origins] == ["a"]


def test_a_disabled_pool_takes_no_traffic() -> None:
    """A disabled pool takes no traffic, whatever the health of its origins."""
    assert not snapshot(a=Health.HEALTHY).view(pool("p", "a", enabled=False)).available


def test_random_picks_by_weight() -> None:
    """A random number selects the origin whose share it falls into."""
    weighted = pool(
        "p", origin("a", weight=0.5), origin("b", weight=0.25), origin("c", weight=0.25)
    )
    view = snapshot().view(weighted)

    picks = {
        number: next(iter(random(view, facts(), scripted(number)))).name
        for number in (0.0, 0.49, 0.5, 0.74, 0.75, 0.999999)
    }

    assert picks == {0.0: "a", 0.49: "a", 0.5: "b", 0.74: "b", 0.75: "c", 0.999999: "c"}


@given(NAMES, st.data())
def test_random_yields_every_origin_once(names: list[str], data: st.DataObject) -> None:
    """The other origins follow the first pick, for retries."""
    weights = [data.draw(st.floats(0.01, 1)) for _ in names]
    made = pool("p", *(origin(n, weight=w) for n, w in zip(names, weights, strict=True)))
    numbers = data.draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=9))

    order = [o.name for o in random(snapshot().view(made), facts(), scripted(*numbers))]

    assert sorted(order) == sorted(names)


@given(NAMES, ADDRESSES)
def test_hash_yields_every_origin_once_and_always_the_same_way(names: list[str], ip: str) -> None:
    """The order depends on client and origins alone, not on the order of the configuration."""
    order = hashed(pool("p", *names), ip)

    assert sorted(order) == sorted(names)
    assert hashed(pool("p", *reversed(names)), ip) == order


@given(NAMES, ADDRESSES, st.data())
def test_hash_stays_put_when_another_origin_leaves(
    names: list[str], ip: str, data: st.DataObject
) -> None:
    """Only the clients of the origin that left move, and they return with it."""
    gone = data.draw(st.sampled_from(names))
    before = hashed(pool("p", *names), ip)
    after = hashed(pool("p", *(name for name in names if name != gone)), ip)

    assert after == [name for name in before if name != gone]


def test_hash_shares_clients_by_weight() -> None:
    """Over 20,000 addresses each share is within five standard deviations of its weight.

    Fixed addresses and a fixed hash, so the outcome is always the same; the bound says that it is
    not an unlucky one: 5 * sqrt(20000 * p * (1 - p)) clients.
    """
    made = pool("p", origin("a", weight=1), origin("b", weight=0.5), origin("c", weight=0.5))
    clients = 20_000
    first = Counter(
        hashed(made, f"203.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}")[0] for i in range(clients)
    )

    for name, share in (("a", 0.5), ("b", 0.25), ("c", 0.25)):
        assert abs(first[name] - clients * share) < 5 * (clients * share * (1 - share)) ** 0.5


def test_hash_moves_few_clients_when_a_weight_changes() -> None:
    """Halving one of two weights moves about a sixth of the clients, and none the other way."""
    even = pool("p", "a", "b")
    uneven = pool("p", "a", origin("b", weight=0.5))
    clients = [f"198.51.{i >> 8}.{i & 255}" for i in range(6_000)]
    moves = Counter((hashed(even, ip)[0], hashed(uneven, ip)[0]) for ip in clients)

    assert moves["a", "b"] == 0
    assert 800 < moves["b", "a"] < 1_200
