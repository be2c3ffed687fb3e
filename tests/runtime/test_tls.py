"""Origins with TLS, such as the hostname of a tunnel."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
import trustme

from support.origins import TLS_HOST, Origin, origins
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.workerd import HTTPS, Workerd, workerd

AUTHORITY = trustme.CA()


def server_side(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return the TLS context of an origin with the host name `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def good() -> Iterator[Origin]:
    """An origin with a trusted certificate."""
    with origins(1, server_side(AUTHORITY, TLS_HOST)) as (origin,):
        yield origin


@pytest.fixture(scope="module")
def bad() -> Iterator[Origin]:
    """An origin with an untrusted certificate."""
    with origins(1, server_side(trustme.CA(), TLS_HOST)) as (origin,):
        yield origin


@pytest.fixture(scope="module")
def worker(good: Origin, bad: Origin) -> Iterator[Workerd]:
    """The Worker in front of both origins."""
    config = "\n".join(
        [
            monitor("web", type="https"),
            pool("good", good, monitor="web"),
            pool("bad", at(bad, name="bad")),
            pool("probed", at(bad, name="bad"), monitor="web"),
            load_balancer("good.test", "good"),
            load_balancer("bad.test", "bad", "good", "probed"),
        ]
    )
    with workerd(config, trusted=AUTHORITY.cert_pem.bytes().decode()) as running:
        yield running


def test_a_request_goes_to_the_origin_over_tls(worker: Workerd, good: Origin) -> None:
    """A request reaches the origin over TLS with the host of the origin's address."""
    answer = worker.get("/a?b", HTTPS, host="good.test")

    assert (answer.status, answer.text) == (200, "one")
    assert good.requests[-1].target == "/a?b"
    assert good.requests[-1].header("host") == good.url.removeprefix("https://")
    assert good.requests[-1].header("x-forwarded-proto") == "https"


def test_a_probe_goes_over_tls(worker: Workerd, good: Origin) -> None:
    """A monitor of type https finds an origin healthy over TLS."""
    worker.get("/", host="good.test")

    assert until(lambda: good.probes)
    assert until(lambda: worker.events("health_changed", pool="good", after="healthy"))


def test_a_certificate_that_nobody_vouches_for_is_a_failure(worker: Workerd, bad: Origin) -> None:
    """An untrusted certificate fails requests, which fail over, and probes."""
    answer = worker.get("/", host="bad.test")

    assert (answer.status, answer.served_by) == (200, "one")
    assert bad.requests == []
    assert until(lambda: worker.events("failover", load_balancer="bad.test", pool="bad"))
    assert until(lambda: worker.events("health_changed", pool="probed", after="unhealthy"))
