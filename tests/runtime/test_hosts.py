"""The choice of a load balancer by host."""

from __future__ import annotations

import pytest

from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import Workerd, workerd


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """An exact name, a wildcard, and a wildcard below it."""
    return "\n".join(
        [
            pool("p1", one),
            pool("p2", two),
            pool("p3", three),
            load_balancer("www.example.com", "p1"),
            load_balancer("*.example.com", "p2"),
            load_balancer("*.eu.example.com", "p3"),
            load_balancer("off.example.org", "p1", enabled=False),
        ]
    )


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("www.example.com", "one"),
        ("WWW.Example.COM", "one"),
        ("www.example.com:8443", "one"),
        ("www.example.com.", "one"),
        ("shop.example.com", "two"),
        ("a.b.example.com", "two"),
        ("eu.example.com", "two"),
        ("shop.eu.example.com", "three"),
        ("a.shop.eu.example.com", "three"),
    ],
)
def test_the_closest_name_serves(host: str, origin: str, worker: Workerd) -> None:
    """An exact name wins over wildcards, and the most specific wildcard over others."""
    assert worker.get("/", host=host).served_by == origin


@pytest.mark.parametrize(
    "host",
    ["example.com", "example.org", "off.example.org", "wwwexample.com", "localhost", "[::1]"],
)
def test_any_other_host_is_refused(host: str, worker: Workerd) -> None:
    """A host without a load balancer gets a 421 with an explanation and reaches no origin."""
    answer = worker.get("/", host=host)

    assert answer.status == 421
    assert "No load balancer is configured for this host name" in answer.text
    assert host not in answer.text
    until(lambda: worker.events("refused", status=421, load_balancer=""))


def test_a_star_serves_the_rest(one: Origin, two: Origin) -> None:
    """`*` serves every host that no other load balancer names."""
    config = pool("p1", one) + pool("p2", two) + load_balancer("*", "p2")
    with workerd(config + load_balancer("*.example.com", "p1")) as worker:
        assert worker.get("/", host="www.example.com").served_by == "one"
        assert worker.get("/", host="example.com").served_by == "two"
        assert worker.get("/", host="192.0.2.1:80").served_by == "two"


@pytest.mark.parametrize(("variables", "status"), [({"EVENKEEL_DEV": "1"}, 200), ({}, 421)])
def test_in_development_a_single_load_balancer_serves_any_host(
    variables: dict[str, str], status: int, one: Origin
) -> None:
    """A single load balancer serves localhost in development, but only its own name if deployed."""
    config = pool("p1", one) + load_balancer("www.example.com", "p1")
    with workerd(config, variables) as worker:
        assert worker.get("/", host="localhost:8787").status == status
        assert worker.get("/", host="www.example.com").status == 200
