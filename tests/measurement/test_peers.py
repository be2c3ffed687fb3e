"""The configurations of the peers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Template

import pytest

from lb.config import parse
from lb.model import Config, OriginSteeringPolicy, SessionAffinity
from measure.bench.peers import PEERS, REFRESHING, features, scale
from measure.bench.peers.servers import SERVERS
from measure.common.evenkeel_worker import Evenkeel
from measure.common.servers import Program, Server, user_line
from measure.common.traffic import HOST_NAME
from measure.common.workerd import Worker


def configured(peer: Evenkeel) -> Config:
    """The configuration of a peer as the balancer reads it."""
    ports = range(1, 1001)
    text = Template(peer.config).substitute(
        {f"origin_{number}": f"http://127.0.0.1:{20_000 + number}" for number in ports},
        host=HOST_NAME,
        first="http://127.0.0.1:20001",
        second="http://127.0.0.1:20002",
    )
    config = parse(tomllib.loads(text))
    assert isinstance(config, Config)
    return config


@pytest.mark.parametrize(
    "peer", [peer for peer in (*PEERS, REFRESHING) if isinstance(peer, Evenkeel)]
)
def test_evenkeels_configurations_are_good(peer: Evenkeel) -> None:
    """Each has two origins with a monitor, and their names are the allowed X-Served-By."""
    (lb,) = configured(peer).load_balancers
    names = [origin.name for pool in lb.pools for origin in pool.origins]
    assert names == ["server-1", "server-2"]
    assert set(peer.served_by) <= set(names)
    assert all(pool.monitor is not None for pool in lb.pools)


@pytest.mark.parametrize("peer", features.PEERS, ids=lambda peer: peer.name)
def test_features_are_measured_one_by_one(peer: Evenkeel) -> None:
    """Each differs from the plain load balancer, but does not move the requests."""
    (lb,) = configured(peer).load_balancers
    (plain,) = configured(features.PEERS[0]).load_balancers

    assert (lb == plain) == (peer.name == features.PLAIN)
    assert [pool.name for pool in lb.default_pools] == ["primary", "replica"]
    assert peer.served_by == ("server-1",)


def test_the_refreshed_peer_is_refreshed_each_second() -> None:
    """One failed or successful probe changes its health at once."""
    config = configured(REFRESHING)
    monitor = config.load_balancers[0].pools[0].monitor
    assert monitor is not None
    assert (monitor.path, monitor.interval, monitor.retries) == ("/slow", 1, 0)
    assert (monitor.consecutive_down, monitor.consecutive_up) == (0, 0)
    assert config.state.refresh == 1


@pytest.mark.parametrize("policy", scale.POLICIES)
@pytest.mark.parametrize(("count", "pools"), [(2, 1), (10, 1), (100, 10), (1000, 100)])
def test_many_origins_are_in_pools_of_ten(policy: str, count: int, pools: int) -> None:
    """The origins of the first pool are the allowed X-Served-By."""
    peer = scale.evenkeel(count, policy)
    (lb,) = configured(peer).load_balancers
    assert len(lb.default_pools) == pools
    assert sum(len(pool.origins) for pool in lb.pools) == count
    assert peer.served_by == tuple(origin.name for origin in lb.default_pools[0].origins)
    steering = OriginSteeringPolicy.HASH if policy == "hash" else OriginSteeringPolicy.RANDOM
    assert {pool.origin_steering for pool in lb.pools} == {steering}
    affinity = SessionAffinity.COOKIE if policy == "cookie" else SessionAffinity.NONE
    assert lb.session_affinity is affinity


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.program.name)
def test_servers_do_the_same_work(server: Server) -> None:
    """Each has two origins, and passes on the origin's name and the client's address."""
    text = server.configured(Path("/run"), 8080, 9001, 9002)
    for needed in (
        "127.0.0.1:9001",
        "127.0.0.1:9002",
        "8080",
        "X-Served-By",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "server-1",
        "server-2",
    ):
        assert needed in text
    # Every address is on this machine, and every file in its own folder.
    assert "0.0.0.0" not in text
    assert "/var" not in text
    assert "/etc" not in text


def test_a_missing_program_is_named_with_its_package() -> None:
    """The message names the package to install."""
    nginx = Program("nginx", "nginx-light", ())
    absent = Server("x", nginx, "", find=lambda _: None)
    assert absent.missing() == "nginx is not installed (Debian's package nginx-light)"
    there = Server("x", nginx, "", find=lambda program: f"/usr/sbin/{program}")
    assert there.missing() == ""


def test_nginx_keeps_its_user() -> None:
    """The user nobody could not read root's files; other users cannot switch."""
    assert user_line(1000) == ""
    assert user_line(0) == "user root;"


def test_a_worker_has_a_durable_object_on_demand() -> None:
    """Its binding has the name that the balancer uses."""
    files = {"entry.py": ""}
    plain = Worker(files, python=True)._config(1)
    assert "durableObject" not in plain
    shared = Worker(files, python=True, state="State")._config(1)
    assert '(name = "LB_STATE", durableObjectNamespace = "State")' in shared
    assert "durableObjectStorage = (inMemory = void)" in shared


def test_a_heap_can_be_bounded() -> None:
    """A limit becomes a flag of V8; without one there is no flag."""
    worker = Worker({"entry.py": ""}, python=True)

    assert "v8Flags = []," in worker._config(1)
    assert 'v8Flags = ["--max-heap-size=64"],' in worker._config(1, 64)
