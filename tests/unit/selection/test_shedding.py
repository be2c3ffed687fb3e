"""Load shedding: requests that an overloaded pool passes on."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth
from lb.model import (
    Health,
    LoadBalancer,
    LoadShedding,
    Origin,
    Pool,
    SessionAffinity,
    SessionAffinityAttributes,
    SheddingPolicy,
)
from lb.proxy.prepared import PreparedLoadBalancer
from lb.selection.candidates import candidates
from lb.selection.shedding import Shed
from support.make import balancer_of, facts, pool, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = Snapshot({}, {}, 0.0)
CLIENTS = [f"203.0.{number >> 8}.{number & 255}" for number in range(4_000)]


def shedding(name: str, **fields: object) -> Pool:
    """Return a pool of one origin that sheds."""
    return pool(name, f"{name}-1", load_shedding=LoadShedding(**fields))  # type: ignore[arg-type]


def first(
    lb: LoadBalancer,
    rand: Callable[[], float],
    ip: str = "203.0.113.9",
    *,
    pinned: Origin | None = None,
    snapshot: Snapshot = NOTHING,
) -> str:
    """Return the pool of a request's first origin."""
    serving, asked = PreparedLoadBalancer(lb, "", ""), facts(cf_connecting_ip=ip)
    shed = Shed(serving.shedding, asked)
    return next(candidates(serving, snapshot, asked, rand, pinned, shed, []))[0].pool


def near(found: int, of: int, share: float) -> bool:
    """Whether a count is within five standard deviations of a share of independent cases."""
    bound: float = 5 * (of * share * (1 - share)) ** 0.5
    return abs(found - of * share) < bound


def test_random_sheds_a_percentage_of_requests() -> None:
    """`random` sheds a percentage of requests, decided for each one."""
    lb = balancer_of(shedding("full", default_percent=20), pool("free", "b"))

    assert first(lb, scripted(0.19)) == "free"
    assert first(lb, scripted(0.2)) == "full"
    rand = Random(11).random
    assert near(sum(first(lb, rand) == "free" for _ in range(5_000)), 5_000, 0.2)


def test_hash_sheds_a_percentage_of_clients() -> None:
    """`hash` sheds all requests of a percentage of addresses."""
    policy = SheddingPolicy.HASH
    lb = balancer_of(shedding("full", default_percent=30, default_policy=policy), pool("free", "b"))
    found = {ip: first(lb, scripted(0.0), ip) for ip in CLIENTS}

    assert found == {ip: first(lb, scripted(0.999), ip) for ip in CLIENTS}
    assert near(sum(name == "free" for name in found.values()), len(CLIENTS), 0.3)


def test_pools_shed_different_clients() -> None:
    """Two pools that shed half each leave a quarter to the third."""
    half = {"default_percent": 50, "default_policy": SheddingPolicy.HASH}
    lb = balancer_of(shedding("a", **half), shedding("b", **half), pool("c", "c-1"))
    found = Counter(first(lb, scripted(0.5), ip) for ip in CLIENTS)

    for name, share in (("a", 0.5), ("b", 0.25), ("c", 0.25)):
        assert near(found[name], len(CLIENTS), share)


def test_sessions_stay_while_requests_are_shed() -> None:
    """default_percent applies to requests without a session."""
    full = shedding("full", default_percent=100)
    lb = balancer_of(full, pool("free", "b"), session_affinity=SessionAffinity.COOKIE)

    assert first(lb, scripted(0.0), pinned=full.origins[0]) == "full"
    assert first(lb, scripted(0.0)) == "free"


def test_session_percent_moves_some_clients_sessions() -> None:
    """Sessions are shed by hash; a shed session does not return to the pool by chance."""
    full = shedding("full", session_percent=25)
    lb = balancer_of(full, pool("free", "b"), session_affinity=SessionAffinity.COOKIE)
    moved = {ip: first(lb, scripted(0.999), ip, pinned=full.origins[0]) == "free" for ip in CLIENTS}

    assert near(sum(moved.values()), len(CLIENTS), 0.25)
    again = {ip: first(lb, scripted(0.0), ip, pinned=full.origins[0]) == "free" for ip in CLIENTS}
    assert again == moved
    assert first(lb, scripted(0.0)) == "full"


def test_sessions_by_header_are_sessions() -> None:
    """Sessions by header are shed by their key, not by the address."""
    lb = balancer_of(
        shedding("full", default_percent=100, session_percent=25),
        pool("free", "b"),
        session_affinity=SessionAffinity.HEADER,
        session_affinity_attributes=SessionAffinityAttributes(headers=("x-user",)),
    )
    serving = PreparedLoadBalancer(lb, "", "")

    def pool_of(user: str, ip: str) -> str:
        told = facts(cf_connecting_ip=ip, x_user=user)
        shed = Shed(serving.shedding, told)
        return next(candidates(serving, NOTHING, told, scripted(0.0), None, shed, []))[0].pool

    users = [f"user-{number}" for number in range(2_000)]
    found = {user: pool_of(user, "203.0.113.1") for user in users}
    assert near(sum(name == "free" for name in found.values()), len(users), 0.25)
    assert found == {user: pool_of(user, "203.0.113.2") for user in users}
    assert first(lb, scripted(0.999)) == "free"


def test_what_all_pools_shed_goes_to_the_fallback_pool() -> None:
    """A request that all pools shed goes to the fallback pool."""
    lb = balancer_of(
        shedding("a", default_percent=50),
        shedding("b", default_percent=50),
        fallback_pool=pool("last", "z"),
    )
    rand = Random(3).random
    found = Counter(first(lb, rand) for _ in range(4_000))

    for name, share in (("a", 0.5), ("b", 0.25), ("last", 0.25)):
        assert near(found[name], 4_000, share)


def test_a_pool_that_sheds_is_better_than_one_that_is_down() -> None:
    """A request that a pool sheds stays there if all others are down."""
    last = pool("last", "z")
    lb = balancer_of(shedding("a", default_percent=100), fallback_pool=last)
    sick = {last.origins[0].key: OriginHealth(health=Health.UNHEALTHY)}

    assert first(lb, scripted(0.0), snapshot=Snapshot(sick, {}, 0.0)) == "a"


def test_a_pool_that_is_down_sheds_nothing() -> None:
    """Requests for a pool that is down fail over; they do not count as shed."""
    a = shedding("a", default_percent=100)
    lb = balancer_of(a, pool("b", "b-1"), fallback_pool=pool("last", "z"))
    sick = {a.origins[0].key: OriginHealth(health=Health.UNHEALTHY)}

    assert first(lb, scripted(0.0), snapshot=Snapshot(sick, {}, 0.0)) == "b"
