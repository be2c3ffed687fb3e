"""Requests from a client to origins and back, with httpx in place of the runtime's fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from lb.log_events import AttemptFailed, HealthChanged, OriginEjected, Refusal, Refused, fields_of
from lb.model import Failover, Health, SessionAffinity
from lb.proxy.plan import RETRY_AFTER
from support.edge import FakeEdge
from support.make import balancer_of, config_of, monitor, origin, pool

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://service.example.com"
PRIMARY, REPLICA = pool("primary", "a"), pool("replica", "b")


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    """Script the origins a and b, which answer with their names."""
    with respx.mock(assert_all_called=False) as router:
        router.get("https://a.example.com/health").respond(200)
        router.route(host="a.example.com").respond(200, text="a")
        router.route(host="b.example.com").respond(200, text="b")
        yield router


def kinds(edge: FakeEdge) -> list[str]:
    """Return the names of the logged events."""
    return [event.event for event in edge.log]


def test_a_request_reaches_the_first_origin_as_it_was_sent(web: respx.MockRouter) -> None:
    """Method, path, query and body reach the origin as sent; the response names the origin."""
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    response = edge.fetch("PUT", f"{URL}/x//y?z=%2F", content=b"body", headers={"X-Own": "1"})

    sent = web.calls.last.request
    assert (sent.method, str(sent.url)) == ("PUT", "https://a.example.com/x//y?z=%2F")
    assert (sent.content, sent.headers["x-own"]) == (b"body", "1")
    assert sent.headers["x-forwarded-host"] == "service.example.com"
    assert (response.text, response.headers["x-served-by"]) == ("a", "a")
    assert edge.log == []


def test_a_failed_attempt_goes_on_at_the_next_origin(web: respx.MockRouter) -> None:
    """The client gets the next origin's response; the failure is logged, and the origin ejected."""
    web.route(host="a.example.com").mock(side_effect=httpx.ConnectError("refused"))
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    assert edge.fetch("GET", URL).text == "b"
    assert edge.log[0] == AttemptFailed(
        load_balancer="*",
        pool="primary",
        origin="a",
        cause="connection failed",
        attempt=1,
        duration=0.0,
        next="b",
    )
    assert isinstance(edge.log[1], OriginEjected)

    calls = web.calls.call_count
    assert edge.fetch("GET", URL).text == "b"
    assert web.calls.call_count == calls + 1


def test_traffic_comes_back_after_base_time(web: respx.MockRouter) -> None:
    """An ejection ends by itself."""
    web.route(host="a.example.com").mock(
        side_effect=[httpx.ConnectError("refused"), httpx.Response(200, text="a")]
    )
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    assert edge.fetch("GET", URL).text == "b"
    edge.now += 29
    assert edge.fetch("GET", URL).text == "b"
    edge.now += 1
    assert edge.fetch("GET", URL).text == "a"


def test_the_last_answer_is_delivered_and_earlier_ones_are_let_go(web: respx.MockRouter) -> None:
    """One response is held at a time; those that are not delivered are discarded."""
    web.route(host="a.example.com").respond(502, text="a is ill")
    web.route(host="b.example.com").respond(503, text="b is ill")
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    response = edge.fetch("GET", URL)

    assert (response.status_code, response.text) == (503, "b is ill")
    assert edge.discarded == [502]


def test_when_nothing_answers_the_balancer_does(web: respx.MockRouter) -> None:
    """The client gets 503, a short page and Retry-After."""
    for host in ("a.example.com", "b.example.com"):
        web.route(host=host).mock(side_effect=httpx.ReadTimeout("hang"))
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    response = edge.fetch("GET", URL)

    assert response.status_code == 503
    assert response.headers["retry-after"] == str(RETRY_AFTER)
    assert "503 Service unavailable" in response.text
    assert kinds(edge) == ["failover", "failover", "refused"]
    assert edge.log[-1] == Refused(
        load_balancer="*",
        status=503,
        cause="no origin answered",
        refusal=Refusal.NO_ORIGIN_ANSWERED,
        attempt=2,
    )
    assert "refusal" not in fields_of(edge.log[-1])


def test_when_all_are_down_all_are_tried_again(web: respx.MockRouter) -> None:
    """Both refuse the same request, so none is ejected, and the first that answers serves."""
    broken = httpx.ConnectError("refused")
    web.route(host="a.example.com").mock(side_effect=[broken, *[httpx.Response(200, text="a")] * 2])
    web.route(host="b.example.com").mock(side_effect=[broken, broken])
    edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

    assert edge.fetch("GET", URL).status_code == 503
    assert edge.fetch("GET", URL).text == "a"
    assert "origin_ejected" not in kinds(edge)
    assert edge.fetch("GET", URL).text == "a"


def test_a_post_never_reaches_two_origins(web: respx.MockRouter) -> None:
    """No failure makes the balancer send it to the second origin."""
    for failure in (httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.Response(503)):
        web.route(host="a.example.com").mock(side_effect=[failure])
        edge = FakeEdge(config_of(balancer_of(PRIMARY, REPLICA)))

        assert edge.fetch("POST", URL, content=b"pay").status_code == 503
    assert [call.request.url.host for call in web.calls] == ["a.example.com"] * 3


def test_a_session_is_kept_and_moved(web: respx.MockRouter) -> None:
    """A cookie leads back to its origin; when that fails, the client gets another cookie."""
    both = pool("p", "a", "b")
    edge = FakeEdge(config_of(balancer_of(both, session_affinity=SessionAffinity.COOKIE)))
    edge.chance = 0.9
    cookie = edge.fetch("GET", URL).headers["set-cookie"].partition(";")[0]

    edge.chance = 0.1
    again = edge.fetch("GET", URL, headers={"Cookie": cookie})
    assert (again.text, "set-cookie" in again.headers) == ("b", False)

    web.route(host="b.example.com").mock(side_effect=httpx.ConnectError("refused"))
    moved = edge.fetch("GET", URL, headers={"Cookie": cookie})
    assert moved.text == "a"
    assert moved.headers["set-cookie"].partition(";")[0] != cookie


def test_probes_move_traffic_and_bring_it_back(web: respx.MockRouter) -> None:
    """A failing health path moves traffic, and requests are answered all the time."""
    watching = monitor(path="/health", interval=30)
    pools = (pool("primary", "a", monitor=watching), pool("replica", "b", monitor=watching))
    edge = FakeEdge(config_of(balancer_of(*pools)))
    health = web.get("https://a.example.com/health").respond(500)

    assert edge.fetch("GET", URL).text == "a"
    assert edge.probe() == 2
    assert edge.fetch("GET", URL).text == "b"
    assert edge.log[0] == HealthChanged(
        pool="primary",
        origin="a",
        before=Health.UNKNOWN,
        after=Health.UNHEALTHY,
        cause="Response code mismatch",
        load_balancer="*",
    )

    health.respond(200)
    assert edge.probe() == 0
    edge.now += 30
    assert edge.probe() == 2
    assert edge.fetch("GET", URL).text == "a"


def test_a_probe_that_timed_out_is_tried_again_at_once(web: respx.MockRouter) -> None:
    """There are up to `retries` more probes, and only after time-outs."""
    watching = monitor(path="/health", retries=2)
    edge = FakeEdge(config_of(balancer_of(pool("primary", "a", monitor=watching))))
    slow = web.get("https://a.example.com/health")

    slow.mock(
        side_effect=[httpx.ReadTimeout("slow"), httpx.ReadTimeout("slow"), httpx.Response(200)]
    )
    edge.probe()
    assert slow.call_count == 3
    assert fields_of(edge.log[0])["after"] == "healthy"

    slow.mock(side_effect=httpx.ConnectError("refused"))
    edge.now += 60
    edge.probe()
    assert slow.call_count == 4


def test_hosts_choose_their_load_balancer(web: respx.MockRouter) -> None:
    """A load balancer's name is exact or a wildcard; an unknown host gets 421."""
    edge = FakeEdge(
        config_of(
            balancer_of(PRIMARY, name="service.example.com"),
            balancer_of(REPLICA, name="*.example.com"),
        )
    )

    assert edge.fetch("GET", URL).text == "a"
    assert edge.fetch("GET", "https://other.example.com").text == "b"
    stranger = edge.fetch("GET", "https://example.org/secret?token=1")
    assert stranger.status_code == 421
    assert "secret" not in stranger.text


def test_the_only_load_balancer_serves_any_host_in_development(web: respx.MockRouter) -> None:
    """In development the only load balancer serves localhost; several still need their names."""
    alone = config_of(balancer_of(PRIMARY, name="service.example.com"))
    two = config_of(
        balancer_of(PRIMARY, name="service.example.com"),
        balancer_of(REPLICA, name="other.example.com"),
    )

    assert FakeEdge(alone, any_host=True).fetch("GET", "http://localhost:8787/").text == "a"
    assert FakeEdge(alone).fetch("GET", "http://localhost:8787/").status_code == 421
    assert FakeEdge(two, any_host=True).fetch("GET", "http://localhost/").status_code == 421


def test_http_is_redirected_to_https(web: respx.MockRouter) -> None:
    """HTTP is redirected with 301, or 308 to keep the method; localhost is never redirected."""
    edge = FakeEdge(config_of(balancer_of(PRIMARY, https_redirect=True)))

    for method, status in (("GET", 301), ("HEAD", 301), ("POST", 308)):
        response = edge.fetch(method, "http://service.example.com:8080/x?y=%20")
        assert response.status_code == status
        assert response.headers["location"] == "https://service.example.com/x?y=%20"
    assert edge.fetch("GET", "https://service.example.com/").text == "a"
    assert edge.fetch("GET", "http://localhost:8787/").text == "a"
    assert edge.fetch("GET", "http://127.0.0.1:8787/").text == "a"


def test_a_loop_is_noticed(web: respx.MockRouter) -> None:
    """A request that comes back is answered with 508, not sent again."""
    edge = FakeEdge(config_of(balancer_of(PRIMARY)))
    edge.fetch("GET", URL)
    via = web.calls.last.request.headers["x-evenkeel-via"]

    assert edge.fetch("GET", URL, headers={"X-Evenkeel-Via": via}).status_code == 508
    assert edge.fetch("GET", URL, headers={"X-Evenkeel-Via": "another"}).status_code == 200


def test_a_disabled_load_balancer_serves_nothing() -> None:
    """The host of a disabled load balancer belongs to no load balancer."""
    assert (
        FakeEdge(config_of(balancer_of(PRIMARY, enabled=False))).fetch("GET", URL).status_code
        == 421
    )


def test_log_lines_hold_nothing_of_the_request(web: respx.MockRouter) -> None:
    """No path, query, cookie or header of a request appears in a log event."""
    web.route(host="a.example.com").mock(side_effect=httpx.ConnectError("secret-host"))
    lb = balancer_of(PRIMARY, pool("q", origin("b", "q")), failover=Failover(tries=2))
    edge = FakeEdge(config_of(lb))

    edge.fetch("GET", f"{URL}/secret-path?secret-query", headers={"Cookie": "secret-cookie"})

    lines = str([fields_of(event) for event in edge.log])
    assert "failover" in lines
    assert "secret" not in lines
