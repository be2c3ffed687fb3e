"""The choice of an origin without failures."""

from __future__ import annotations

from collections import Counter

import pytest

from support.answers import reply
from support.origins import Origin
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd, workerd

REQUESTS = 300
CLIENTS = [f"198.51.100.{number}" for number in range(120)]


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """One load balancer for each way to choose."""
    hashed = {"origin_steering": {"policy": "hash"}}
    quiet = {"ejection": {"base_time": 0}}
    return "\n".join(
        [
            pool("first", one),
            pool("second", two),
            pool("third", three),
            pool("off", one, enabled=False),
            pool("dark", at(one, enabled=False), two),
            pool("random", at(one, weight=0.6), at(two, weight=0.3), at(three, weight=0.1)),
            pool("drained", at(one, weight=0), two),
            pool("hash", one, two, three, **hashed),
            pool("weighted", at(one, weight=0.2), at(two, weight=0.8), **hashed),
            pool("few", one, at(two, enabled=False), minimum_origins=2),
            pool("many", one, two, minimum_origins=2),
            load_balancer("order.test", "second", "first", "third"),
            load_balancer("disabled-pool.test", "off", "third"),
            load_balancer("disabled-origin.test", "dark"),
            load_balancer("random.test", "random"),
            load_balancer("drained.test", "drained"),
            load_balancer("hash.test", "hash", **quiet),
            load_balancer("weighted.test", "weighted"),
            load_balancer("few.test", "few", "third"),
            load_balancer("many.test", "many", "third"),
            load_balancer("sticky-ip.test", "random", session_affinity="ip_cookie"),
        ]
    )


def shares(worker: Workerd, host: str, requests: int = REQUESTS) -> Counter[str | None]:
    """The number of requests that each origin gets."""
    return Counter(worker.get("/", host=host).served_by for _ in range(requests))


def by_client(worker: Workerd, host: str) -> dict[str, str | None]:
    """The origin that each of many clients gets."""
    return {ip: worker.get("/", ("CF-Connecting-IP", ip), host=host).served_by for ip in CLIENTS}


def test_pools_in_order(worker: Workerd) -> None:
    """All requests go to the first pool of default_pools."""
    assert shares(worker, "order.test", 20) == {"two": 20}


def test_a_disabled_pool_is_passed_by(worker: Workerd, one: Origin) -> None:
    """A disabled pool gets no requests."""
    assert shares(worker, "disabled-pool.test", 20) == {"three": 20}
    assert one.requests == []


def test_a_disabled_origin_is_passed_by(worker: Workerd, one: Origin) -> None:
    """A disabled origin gets no requests."""
    assert shares(worker, "disabled-origin.test", 20) == {"two": 20}
    assert one.requests == []


def test_random_follows_the_weights(worker: Workerd) -> None:
    """Random steering gives each origin the share of its weight."""
    found = shares(worker, "random.test")

    assert found.total() == REQUESTS
    # Five standard deviations around 180, 90 and 30 of 300.
    assert 137 < found["one"] < 223
    assert 50 < found["two"] < 130
    assert 4 < found["three"] < 56


def test_weight_0_gets_no_new_clients(worker: Workerd, one: Origin) -> None:
    """An origin of weight 0 gets no requests while another origin is available."""
    assert shares(worker, "drained.test", 30) == {"two": 30}
    assert one.requests == []


def test_hash_keeps_a_client_at_its_origin(worker: Workerd) -> None:
    """Hash steering always sends a client's address to the same origin and uses all origins."""
    first = by_client(worker, "hash.test")

    assert by_client(worker, "hash.test") == first
    assert min(Counter(first.values()).values()) > len(CLIENTS) / 6
    assert set(first.values()) == {"one", "two", "three"}


def test_hash_moves_only_the_clients_of_the_origin_that_left(worker: Workerd, two: Origin) -> None:
    """If an origin fails, hash steering moves only its clients, and moves them back afterwards."""
    before = by_client(worker, "hash.test")
    two.stop()
    away = by_client(worker, "hash.test")
    two.start()

    stayed = {ip: origin for ip, origin in before.items() if origin != "two"}
    assert {ip: away[ip] for ip in stayed} == stayed
    assert {away[ip] for ip in CLIENTS if ip not in stayed} == {"one", "three"}
    assert by_client(worker, "hash.test") == before


def test_hash_follows_the_weights(worker: Workerd) -> None:
    """Hash steering gives each origin the share of clients of its weight."""
    found = Counter(by_client(worker, "weighted.test").values())
    assert 4 < found["one"] < 45  # five standard deviations around 24 of 120


def test_ip_cookie_starts_with_the_address(worker: Workerd) -> None:
    """Without a cookie, ip_cookie chooses by the client's address."""
    assert by_client(worker, "sticky-ip.test") == by_client(worker, "sticky-ip.test")


def test_too_few_origins_make_no_pool(worker: Workerd, one: Origin) -> None:
    """A pool with fewer healthy origins than minimum_origins is skipped."""
    assert shares(worker, "few.test", 20) == {"three": 20}
    assert one.requests == []
    assert set(shares(worker, "many.test", 30)) == {"one", "two"}


@pytest.mark.parametrize("fallback", ["first", "second", "last"])
def test_the_fallback_pool_is_the_last_resort(
    fallback: str, one: Origin, two: Origin, three: Origin
) -> None:
    """If no pool is healthy, requests go to the fallback pool, whatever its own health."""
    pools = {"first": one, "second": two, "last": three}
    config = monitor("health") + "".join(
        pool(name, origin, monitor="health") for name, origin in pools.items()
    )
    for origin in pools.values():
        origin.fail_health()
    quiet = {"fallback_pool": fallback, "ejection": {"base_time": 0}}
    with workerd(config + load_balancer("*", "first", "second", **quiet)) as worker:
        known = 3 if fallback == "last" else 2
        worker.get()
        until(lambda: len(worker.events("health_changed", after="unhealthy")) == known)
        assert worker.get().served_by == pools[fallback].name
        # If the fallback pool fails too, another pool serves.
        pools[fallback].behave(reply(503))
        assert worker.get().status == 200
