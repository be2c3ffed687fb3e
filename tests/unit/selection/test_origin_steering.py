"""Origin steering by load, and of many origins."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.base.weighted_order import by_load
from lb.health.hash_slots import MOST_SCORED
from lb.health.in_flight import SOCKET_LASTS, SWEPT_EVERY, InFlight
from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth
from lb.model import Health, OriginSteeringPolicy, Pool
from lb.selection.origin_steering import ORIGIN_POLICIES
from support.make import facts, origin, pool, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = 1_000
LEAST = [OriginSteeringPolicy.LEAST_OUTSTANDING_REQUESTS, OriginSteeringPolicy.LEAST_CONNECTIONS]
CLIENTS = [f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in range(20_000)]


def moment(of: Pool, down: tuple[str, ...] = (), **busy: int) -> Snapshot:
    """Return a snapshot with these origins unhealthy, and these outstanding requests."""
    in_flight = InFlight()
    for name, count in busy.items():
        for _ in range(count):
            in_flight.begin((of.name, name), 0.0, 60.0)
    sick = OriginHealth(health=Health.UNHEALTHY)
    return Snapshot({(of.name, name): sick for name in down}, {}, 0.0, in_flight=in_flight)


def order(
    policy: OriginSteeringPolicy,
    of: Pool,
    snapshot: Snapshot,
    rand: Callable[[], float],
    ip: str = "203.0.113.9",
) -> Iterator[str]:
    """Yield the names of a pool's origins in their order for a request."""
    chosen = ORIGIN_POLICIES[policy](snapshot.view(of), facts(cf_connecting_ip=ip), rand)
    return (one.name for one in chosen)


@pytest.mark.parametrize("policy", LEAST)
@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_of_two_origins_the_one_with_less_to_do_is_taken(
    policy: OriginSteeringPolicy, one: float, other: float
) -> None:
    """An origin with more outstanding requests gets nothing while another one has fewer."""
    both = pool("p", "a", "b")
    rand = scripted(one, other)

    assert list(order(policy, both, moment(both, a=1), rand)) == ["b", "a"]
    assert list(order(policy, both, moment(both, a=7, b=8), rand)) == ["a", "b"]


@pytest.mark.parametrize("policy", LEAST)
def test_without_load_the_shares_are_the_weights(policy: OriginSteeringPolicy) -> None:
    """Shares are within five standard deviations over 20,000 requests of a fixed seed."""
    made = pool("p", origin("a", weight=0.6), origin("b", weight=0.3), origin("c", weight=0.1))
    rand, requests, now = Random(5).random, 20_000, moment(made)
    found = Counter(next(order(policy, made, now, rand)) for _ in range(requests))

    for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)):
        assert abs(found[name] - requests * share) < 5 * (requests * share * (1 - share)) ** 0.5


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 9)), min_size=1, max_size=9),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=9),
)
def test_each_is_yielded_once(origins: list[tuple[float, int]], chance: list[float]) -> None:
    """The other origins follow the first pick, for retries."""
    weights = [weight for weight, _ in origins]
    sums = [sum(weights[: at + 1]) for at in range(len(weights))]
    found = by_load(
        range(len(origins)), weights, sums, lambda at: origins[at][1], scripted(*chance)
    )

    assert sorted(found) == list(range(len(origins)))


def test_under_load_each_has_its_weights_share_under_way() -> None:
    """(outstanding + 1) / weight: of 60 requests, 40 and 20 with weights 1 and 0.5."""
    made = pool("p", "a", origin("b", weight=0.5))
    now, rand = moment(made), Random(9)
    tickets: list[tuple[tuple[str, str], int]] = []
    for _ in range(2_000):
        if len(tickets) == 60:
            now.in_flight.end(*tickets.pop(rand.randrange(60)))
        name = next(order(LEAST[0], made, now, rand.random))
        tickets.append((("p", name), now.in_flight.begin(("p", name), 0.0, 60.0)))

    assert 37 <= now.in_flight.outstanding(("p", "a")) <= 43


def test_a_slow_origin_gets_little() -> None:
    """An origin that is a hundred times slower gets a twentieth at most, and no queue builds up."""
    made = pool("p", "slow", "fast")
    now, rand, ends = moment(made), Random(2).random, {"slow": 100, "fast": 1}
    open_: list[tuple[int, tuple[str, str], int]] = []
    found: Counter[str] = Counter()
    for at in range(2_000):
        for one in [one for one in open_ if one[0] <= at]:
            open_.remove(one)
            now.in_flight.end(*one[1:])
        name = next(order(LEAST[0], made, now, rand))
        found[name] += 1
        open_.append((at + ends[name], ("p", name), now.in_flight.begin(("p", name), 0.0, 999.0)))

    assert found["slow"] < 100
    assert now.in_flight.outstanding(("p", "slow")) <= 2


def test_websockets_count_for_connections_only() -> None:
    """An open WebSocket counts as a connection, for as long as one is assumed to last."""
    both = pool("p", "a", "b")
    now = moment(both, b=1)
    for _ in range(2):
        now.in_flight.open_socket(("p", "a"), 0.0)

    assert next(order(LEAST[0], both, now, scripted(0.1))) == "a"
    assert next(order(LEAST[1], both, now, scripted(0.1))) == "b"
    assert now.in_flight.connections_of("p") == 3
    now.in_flight.begin(("p", "b"), SOCKET_LASTS + SWEPT_EVERY, 60.0)
    assert now.in_flight.connections(("p", "a")) == 0
    assert now.in_flight.connections_of("p") == 1


def many(count: int = MANY, weights: dict[int, float] | None = None) -> Pool:
    """Return a pool of many origins."""
    known = weights or {}
    return pool("p", *(origin(f"o{n}", weight=known.get(n, 1.0)) for n in range(count)))


def homes(of: Pool, snapshot: Snapshot, clients: list[str]) -> dict[str, str]:
    """Return the origin of each client by hash."""
    hashed, rand = OriginSteeringPolicy.HASH, scripted(0.5)
    return {ip: next(order(hashed, of, snapshot, rand, ip)) for ip in clients}


@pytest.mark.parametrize("count", [MOST_SCORED + 1, 100])
def test_hash_shares_clients_among_many_by_weight(count: int) -> None:
    """The share of each origin is within five standard deviations of its weight."""
    made = many(count, {0: 0.5, 1: 0.25})
    found = Counter(homes(made, moment(made), CLIENTS).values())
    total = sum(one.weight for one in made.origins)

    for one in made.origins:
        share = one.weight / total
        bound = 5 * (len(CLIENTS) * share * (1 - share)) ** 0.5
        assert abs(found[one.name] - len(CLIENTS) * share) < bound


def test_of_many_only_the_clients_of_the_origin_that_left_move() -> None:
    """Only the clients of the origin that left move, and they return with it."""
    made, clients = many(100), CLIENTS[:4_000]
    before = homes(made, moment(made), clients)
    after = homes(made, moment(made, ("o7",)), clients)

    assert {ip for ip in clients if before[ip] != after[ip]} == {
        ip for ip in clients if before[ip] == "o7"
    }
    assert "o7" not in after.values()


def test_of_many_only_the_clients_of_the_origin_that_weighs_less_move() -> None:
    """Clients of other origins stay when one origin gets a smaller weight."""
    clients = CLIENTS[:4_000]
    full, half = many(100), many(100, {7: 0.5})
    before, after = (homes(each, moment(each), clients) for each in (full, half))
    moved = {ip for ip in clients if before[ip] != after[ip]}

    assert moved
    assert {before[ip] for ip in moved} == {"o7"}


def test_many_light_origins_are_found_as_well() -> None:
    """Weights that sum to 1 work as well as weights of 1, and so do very uneven ones."""
    light = many(100, dict.fromkeys(range(100), 0.01))
    assert len(set(homes(light, moment(light), CLIENTS[:2_000]).values())) == 100
    uneven = many(100, dict.fromkeys(range(1, 100), 0.01))
    found = Counter(homes(uneven, moment(uneven), CLIENTS[:2_000]).values())
    assert 900 < found["o0"] < 1_110


def test_of_many_each_is_yielded_once() -> None:
    """Each available origin follows for retries, and none that is down."""
    made = many(40)
    found = list(order(OriginSteeringPolicy.HASH, made, moment(made, ("o3",)), scripted(0.5)))

    assert sorted(found) == sorted(f"o{n}" for n in range(40) if n != 3)


@pytest.mark.parametrize("policy", list(OriginSteeringPolicy))
def test_a_pick_looks_at_few_origins_however_many_there_are(policy: OriginSteeringPolicy) -> None:
    """What is drawn by bisection or looked up costs the same for 2 and for 1,000.

    Counted in operations of Python, not in time: a thousand origins may take three times as many as
    two, where a walk over all of them would take hundreds of times as many.
    """
    steps = {count: operations(policy, many(count)) for count in (2, MANY)}

    assert steps[MANY] <= 3 * steps[2] + 60


def operations(policy: OriginSteeringPolicy, of: Pool) -> float:
    """Return the average number of lines of Python that a first pick runs."""
    now, rand, lines = moment(of), Random(1).random, 0
    next(order(policy, of, now, rand))  # tables are made

    def trace(frame: object, event: str, arg: object) -> object:
        nonlocal lines
        lines += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        for ip in CLIENTS[:200]:
            next(order(policy, of, now, rand, ip))
    finally:
        sys.settrace(before)
    return lines / 200
