"""The http and https monitors: their request, redirects, and the verdict on a reply."""

from __future__ import annotations

from typing import Any

import pytest

from lb.health.verdict import NO_FAILURES
from lb.model import CodeRange, SecretName
from lb.model.header_secrets import no_secret
from lb.probing.causes import EDGE_CAUSES, ERROR_BYTES
from lb.probing.probe import Answer, HttpProbe, ProbeFailure
from lb.probing.types import http
from lb.probing.types.http import BODY_LIMIT, MOST_REDIRECTS, USER_AGENT
from lb.request.edge_answers import Barrier, Writer
from support.make import monitor, origin


def probe_of(**fields: Any) -> HttpProbe:
    """Return the probe of a monitor that follows redirects, with a secret in a header."""
    watching = monitor(follow_redirects=True, header=(("Authorization", ("secret",)),), **fields)
    return http.probe(watching, origin("a"))


@pytest.mark.parametrize(
    ("fields", "place", "url"),
    [
        ({}, {}, "https://a.example.com/"),
        ({"path": "/health?x=1"}, {}, "https://a.example.com/health?x=1"),
        ({"port": 8443}, {}, "https://a.example.com:8443/"),
        ({"port": 443}, {}, "https://a.example.com/"),
        # An address with a scheme or port of its own is probed where its traffic goes …
        ({}, {"url": "http://127.0.0.1:9001", "explicit": True}, "http://127.0.0.1:9001/"),
        # … unless the monitor names a port.
        ({"port": 9}, {"url": "http://127.0.0.1:9001", "explicit": True}, "https://127.0.0.1:9/"),
        ({"port": 9}, {"url": "http://[::1]:9001", "explicit": True}, "https://[::1]:9/"),
    ],
)
def test_a_probe_goes_where_the_traffic_goes(
    fields: dict[str, Any], place: dict[str, Any], url: str
) -> None:
    """The monitor's port decides, then the address as written, then the type's own port."""
    probe = http.probe(monitor(**fields), origin("a", **place))

    assert probe.url == url


def test_a_probe_says_who_it_is_and_carries_the_monitors_headers() -> None:
    """The User-Agent is ours, configured headers follow, the body is read only if expected."""
    plain = http.probe(monitor(), origin("a"))
    asked = http.probe(
        monitor(header=(("X-Key", ("1", "2")),), expected_body="ok", method="HEAD", timeout=2),
        origin("a"),
    )

    assert plain.headers == (("User-Agent", USER_AGENT),)
    assert plain.body_limit == 0
    assert asked.headers[1:] == (("X-Key", "1"), ("X-Key", "2"))
    assert (asked.method, asked.timeout, asked.body_limit) == ("HEAD", 2, BODY_LIMIT)


CODES = (CodeRange(low=200, high=299), CodeRange(low=404, high=404))


@pytest.mark.parametrize(
    ("reply", "body", "cause"),
    [
        (Answer(status=200), "", NO_FAILURES),
        (Answer(status=299), "", NO_FAILURES),
        (Answer(status=404), "", NO_FAILURES),
        (Answer(status=300), "", "Response code mismatch"),
        (Answer(status=500), "", "Response code mismatch"),
        (Answer(status=200, body=b"All OK here"), "all ok", NO_FAILURES),
        (Answer(status=200, body=b"\xff\xfe ok"), "OK", NO_FAILURES),
        (Answer(status=200, body=b"nope"), "ok", "Response body mismatch"),
        (Answer(status=200, body=b" " * BODY_LIMIT + b"ok"), "ok", "Response body mismatch"),
        (ProbeFailure.TIMEOUT, "", "HTTP timeout occurred"),
        (ProbeFailure.CONNECTION, "", "TCP connection failed"),
    ],
)
def test_a_reply_is_judged_by_status_then_body(
    reply: Answer | ProbeFailure, body: str, cause: str
) -> None:
    """The cause is in Cloudflare's words; the text is found in any case of letters."""
    verdict = http.judge(monitor(expected_codes=CODES, expected_body=body), reply)

    assert (verdict.passed, verdict.cause) == (cause == NO_FAILURES, cause)


def test_without_follow_redirects_a_redirect_is_an_answer() -> None:
    """A 3xx is judged by its status, and no further request is sent."""
    probe = http.probe(monitor(), origin("a"))

    assert http.redirected(probe, 302, "https://b.example.com/") is None


@pytest.mark.parametrize("status", [200, 300, 304, 404])
def test_only_redirects_are_followed(status: int) -> None:
    """A Location on another answer is ignored, as is a redirect without one."""
    assert http.redirected(probe_of(), status, "/x") is None
    assert http.redirected(probe_of(), 302, "") is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y=1#z", "https://a.example.com/x?y=1"),
        ("x", "https://a.example.com/deep/x"),
        ("//b.example.com/x", "https://b.example.com/x"),
        ("https://b.example.com", "https://b.example.com"),
    ],
)
def test_a_redirect_is_followed(location: str, url: str) -> None:
    """A redirect is relative to the URL of its request (RFC 3986, 5)."""
    following = http.redirected(probe_of(path="/deep/health"), 302, location)

    assert isinstance(following, HttpProbe)
    assert following.url == url


def test_redirects_are_followed_so_many_times() -> None:
    """Redirects are limited, as each is a subrequest; the next answer is judged by its status."""
    probe, followed = probe_of(), 0
    while isinstance(following := http.redirected(probe, 302, "/again"), HttpProbe):
        probe, followed = following, followed + 1

    assert following is None
    assert followed == MOST_REDIRECTS


@pytest.mark.parametrize(
    "location", ["http://a.example.com/", "ftp://a.example.com/", "data:,ok", "https://[::1"]
)
def test_a_redirect_out_of_https_is_a_failure(location: str) -> None:
    """A redirect to plain http or out of HTTP fails, as no certificate vouches for its target."""
    assert http.redirected(probe_of(), 301, location) is ProbeFailure.INVALID


def test_a_monitors_headers_stay_with_their_origin() -> None:
    """A redirect to another host or port gets the User-Agent alone."""
    near, far = (
        http.redirected(probe_of(), 307, url) for url in ("/x", "https://a.example.com:8443/x")
    )

    assert isinstance(near, HttpProbe)
    assert isinstance(far, HttpProbe)
    assert [name for name, _ in near.headers] == ["User-Agent", "Authorization"]
    assert [name for name, _ in far.headers] == ["User-Agent"]


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (302, "HEAD", "HEAD"),
        (303, "HEAD", "HEAD"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_what_a_redirect_makes_of_the_method(status: int, method: str, after: str) -> None:
    """RFC 9110, 15.4: 303 asks for GET, 307 and 308 keep the method, 302 acts like old clients."""
    following = http.redirected(probe_of(method=method), status, "/x")

    assert isinstance(following, HttpProbe)
    assert following.method == after


def test_an_answer_of_the_edge_has_the_edges_cause() -> None:
    """A tunnel that is down has its own cause, not "Response code mismatch"."""
    for status, cause in EDGE_CAUSES.items():
        by_edge = http.judge(monitor(), Answer(status=status, writer=Writer.EDGE))
        assert (by_edge.passed, by_edge.cause) == (False, cause)
        own = http.judge(monitor(), Answer(status=status))
        assert own.cause == "Response code mismatch"


def test_a_code_that_is_expected_is_healthy_whoever_wrote_it() -> None:
    """expected_codes decides, also for an answer of the edge."""
    watching = monitor(expected_codes=(CodeRange(low=500, high=599),))

    assert http.judge(watching, Answer(status=530, writer=Writer.EDGE)).passed


def test_an_expected_answer_without_a_cache_status_is_healthy() -> None:
    """A Worker's own answer, or one that the runtime did not cache, may lack CF-Cache-Status."""
    assert http.judge(monitor(), Answer(status=200, writer=Writer.EDGE)).passed


@pytest.mark.parametrize("status", [200, 301, 404, 500])
@pytest.mark.parametrize("body", [b"", b"ok"])
def test_a_cached_answer_is_no_verdict(status: int, body: bytes) -> None:
    """A dead origin's cached page made it healthy: what a cache answers says nothing."""
    watching = monitor(expected_codes=CODES, expected_body="ok")
    verdict = http.judge(watching, Answer(status=status, body=body, writer=Writer.CACHE))

    assert not verdict.conclusive
    assert not verdict.passed
    assert verdict.cause.startswith("Answered from Cloudflare's cache, so the origin was not asked")


@pytest.mark.parametrize(
    ("barrier", "words"),
    [(Barrier.CHALLENGE, "a challenge page"), (Barrier.ACCESS, "its log-in page")],
)
@pytest.mark.parametrize("status", [200, 302, 403, 503])
def test_a_barrier_fails_whatever_is_expected(barrier: Barrier, words: str, status: int) -> None:
    """Requests would meet the same barrier, so that the origin serves nobody."""
    watching = monitor(expected_codes=(CodeRange(low=200, high=599),))
    verdict = http.judge(watching, Answer(status=status, writer=Writer.EDGE, barrier=barrier))

    assert (verdict.passed, verdict.conclusive) == (False, True)
    assert words in verdict.cause


@pytest.mark.parametrize(
    "location",
    [
        "https://team.cloudflareaccess.com/cdn-cgi/access/login/a.example.com?kid=1",
        "/cdn-cgi/access/login/a.example.com",
    ],
)
def test_a_redirect_to_a_log_in_page_of_access_is_not_followed(location: str) -> None:
    """The log-in page answered with 200, and an origin behind Access was healthy by it."""
    assert http.redirected(probe_of(), 302, location) is None


def test_a_page_of_the_edge_is_read_for_the_error_that_it_names() -> None:
    """Other bodies are read only as far as the monitor needs them."""
    plain, looking = probe_of(), probe_of(expected_body="ok")

    assert http.bytes_to_read(plain, 530, Writer.EDGE) == ERROR_BYTES
    assert http.bytes_to_read(plain, 200, Writer.EDGE) == 0
    assert http.bytes_to_read(plain, 530, Writer.ORIGIN) == 0
    assert http.bytes_to_read(looking, 530, Writer.EDGE) == BODY_LIMIT


def test_a_probe_without_its_secret_is_not_sent() -> None:
    """It would fail for another reason, a log-in page; the cause names the secret instead."""
    watching = monitor(header=(("X-Key", ("plain", SecretName("KEY"))),))
    probe = http.probe(watching, origin("a"))

    assert http.unsent(probe, {"KEY": "x"}.get) is None
    reply = http.unsent(probe, no_secret)
    assert reply is not None
    verdict = http.judge(watching, reply)
    assert (verdict.passed, verdict.conclusive) == (False, True)
    assert verdict.cause == "Monitor Config Error: there is no secret KEY"
