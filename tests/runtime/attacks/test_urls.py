"""Hosts and request targets meant to lead to another server."""

from __future__ import annotations

import pytest

from support.siege import OTHER, PLAIN, QUERY, SECURE, Siege, request

NO_HOSTS = [
    b"evil.test\\.x.wild.test",
    b"evil.test#.x.wild.test",
    b"evil.test\\@x.wild.test:x",
    b"x.wild.test:80:80",
    b"x.wild.test:'<a href=",
    b"x%2e.wild.test",
    b"x%0d%0aSet-Cookie:a.wild.test",
    b"<script>.wild.test",
    b'x"y.wild.test',
    b"x y.wild.test",
    b"x,y.wild.test",
    b"\xc5\xbf.wild.test",
    b"a." * 20_000 + b"wild.test",
    b"%70lain.test",
    b"plain.test, evil.test",
]


@pytest.mark.parametrize("host", NO_HOSTS, ids=range(len(NO_HOSTS)))
@pytest.mark.parametrize("suffix", [b"", b".told.test"], ids=["redirected", "told"])
def test_a_host_that_is_none(host: bytes, suffix: bytes, under: Siege) -> None:
    """A malformed host gets 421, without a redirect and without a request to an origin."""
    sent = host.replace(b".wild.test", suffix) if suffix else host
    answer = under.send(request(host=sent))

    assert answer is not None
    assert (answer.status, answer.header("location")) == (421, None)
    assert "evil" not in answer.text
    assert under.one.requests == []


@pytest.mark.parametrize(
    ("host", "status"),
    [(b"x\xff.wild.test", 400), (b"", 400), (b"plain.test@evil.test", 421), (b"[::1", 421)],
)
def test_a_host_that_the_runtime_or_nobody_takes(host: bytes, status: int, under: Siege) -> None:
    """A host that the runtime or the balancer refuses reaches no origin."""
    assert under.status(request(b"GET / HTTP/1.1", b"Host: " + host, host=b"")) == status
    assert under.one.requests == []


@pytest.mark.parametrize(
    ("host", "location"),
    [
        (b"secure.test:80@x.wild.test", "https://x.wild.test/a"),
        (b"evil.test\\@secure.test", "https://secure.test/a"),
        (b"a@b@SECURE.test.:8080", "https://secure.test/a"),
        (b"x.wild.test:", "https://x.wild.test/a"),
    ],
)
def test_a_redirect_leads_to_a_host_that_is_served(
    host: bytes, location: str, under: Siege
) -> None:
    """Text around the host in a Host header does not appear in the Location header."""
    answer = under.send(request(b"GET /a HTTP/1.1", host=host))
    assert answer is not None
    assert (answer.status, answer.header("location")) == (301, location)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"//evil.test/", "//evil.test/"),
        (b"/\\evil.test/", "/\\evil.test/"),
        (b"//evil.test/..;/", "//evil.test/..;/"),
        (b"/%0d%0aLocation:%20https://evil.test/", "/%0d%0aLocation:%20https://evil.test/"),
        (b"http://evil.test/b", "/b"),
        (b"https://evil.test/b", "/b"),
        (b"@evil.test", "/"),
        (b".evil.test", "/"),
    ],
)
def test_a_redirect_stays_on_its_host(target: bytes, path: str, under: Siege) -> None:
    """No request target makes the HTTPS redirect lead to another host."""
    answer = under.send(request(b"GET " + target + b" HTTP/1.1", host=SECURE))
    assert answer is not None
    assert (answer.status, answer.header("location")) == (301, f"https://secure.test{path}")


TARGETS = [
    (b"http://other.test/x", 200, "/x"),  # RFC 9112 3.2.2 demands the host other.test
    (b"https://other.test/x", 200, "/x"),
    (b"ftp://other.test/x", 200, "/x"),
    (b"http://{canary}/x", 200, "/x"),
    (b"http://plain.test@{canary}/x", 200, "/x"),
    (b"//{canary}/x", 200, "//{canary}/x"),
    (b"/\\{canary}/x", 200, "//{canary}/x"),
    (b"/@{canary}/x", 200, "/@{canary}/x"),
    (b"/x/..//@{canary}/", 200, "//@{canary}/"),
    (b"@{canary}/x", 400, None),
    (b".{canary}/", 400, None),
    (b":{canary}/", 400, None),
    (b"{canary}", 200, "/"),
    (b"@{canary}", 200, "/"),
    (b"file:///etc/passwd", 400, None),
    (b"", 400, None),
    (b"/\x00", 400, None),
    (b"/\x01", 400, None),
    (b"/\x7f", 400, None),
    (b"/\xff", 400, None),
    (b'/{}|^`<>"', 400, None),
    (b"/a b", 400, None),
    (b"/\xc3\xa9", 200, "/%C3%A9"),
    (b"/%00", 200, "/%00"),
    (b"/%2e%2e%2f%2e%2e%2fetc/passwd", 200, "/%2e%2e%2f%2e%2e%2fetc/passwd"),
    (b"/%2e%2e/%2E%2E/a", 200, "/a"),
    (b"/..%2f..%5c..", 200, "/..%2f..%5c.."),
    (b"/..\\..\\a", 200, "/a"),
    (b"/a/..;/b", 200, "/a/..;/b"),
    (b"/;/../a", 200, "/a"),
    (b"/a#/../../b", 200, "/a"),
    (b"/a?#b", 200, "/a?"),
    (b"/a%23%3f%26", 200, "/a%23%3f%26"),
    (b"/%%%", 200, "/%%%"),
    (b"/%uff0e%c0%ae", 200, "/%uff0e%c0%ae"),
    (b"/" + b"a/../" * 3000, 200, "/"),
    (b"/" + b"%2e%2e/" * 3000, 200, "/"),
    (b"/?" + b"&" * 20_000, 200, "/?" + "&" * 20_000),
    (b"/cdn-cgi/evenkeel-ready", 200, "/cdn-cgi/evenkeel-ready"),
    # The admin path never reaches an origin; a path that only resembles it is not the admin side.
    (b"/_lb/status", 401, None),
    (b"/_lb/status?/x", 401, None),
    (b"http://evil.test/_lb/status", 401, None),
    (b"/_lb/../x", 401, None),
    (b"/x/../_lb/status", 200, "/_lb/status"),  # an origin's own path of that name
    (b"/%2e/_lb/status", 200, "/_lb/status"),
    (b"/_lb\\status", 200, "/_lb/status"),
    (b"/_lbx", 200, "/_lbx"),
    (b"/_LB/status", 200, "/_LB/status"),
    (b"/%5flb/status", 200, "/%5flb/status"),
    (b"//_lb/status", 200, "//_lb/status"),
    (b"/_lb%2fstatus", 200, "/_lb%2fstatus"),
    (b"/_lb;/status", 200, "/_lb;/status"),
    (b"/_lb%00/status", 200, "/_lb%00/status"),
    (b"/x/_lb/status", 200, "/x/_lb/status"),
    (b"/?/_lb/status", 200, "/?/_lb/status"),
]


@pytest.mark.parametrize(("target", "status", "got"), TARGETS, ids=range(len(TARGETS)))
def test_a_target_leads_to_its_origin_or_nowhere(
    target: bytes, status: int, got: str | None, under: Siege
) -> None:
    """Any request target is refused or becomes a path at the origin of the Host header."""
    elsewhere = under.elsewhere
    sent = target.replace(b"{canary}", elsewhere.encode())
    found = under.status(request(b"GET " + sent + b" HTTP/1.1"), 3)

    assert found == status
    expected = [] if got is None else [got.replace("{canary}", elsewhere)]
    assert [each.target for each in under.one.requests] == expected
    assert [each.requests for each in (under.two, under.three)] == [[], []]


@pytest.mark.parametrize(
    ("line", "status", "method"),
    [
        (b"BREW / HTTP/1.1", 501, None),
        (b"g\xffet / HTTP/1.1", 400, None),
        (b"GET\x00 / HTTP/1.1", None, None),
        (b"X" * 100_000 + b" / HTTP/1.1", None, None),
        (b"OPTIONS * HTTP/1.1", 421, None),
        (b"TRACE / HTTP/1.1", 200, "TRACE"),
        (b"CONNECT plain.test:80 HTTP/1.1", 500, None),
        (b"GET / HTTP/1.0", 200, "GET"),
        (b"GET / HTTP/9.9", None, None),
        (b"GET /", 400, None),
        (b"PRI * HTTP/2.0", None, None),
    ],
    ids=range(11),
)
def test_a_request_line(line: bytes, status: int | None, method: str | None, under: Siege) -> None:
    """Known methods reach the origin; unknown methods and versions are refused."""
    found = under.status(request(line), 3)
    if status is not None or method is not None:
        assert found == status
    assert [each.method for each in under.one.requests] == ([method] if method else [])


def test_a_query_is_nobodys_business(under: Siege) -> None:
    """A secret in a query reaches the origin and appears in no log line."""
    for host in (PLAIN, OTHER, SECURE, "unknown.test"):
        under.send(request(f"GET /?token={QUERY} HTTP/1.1", host=host))
    under.one.stop()
    under.two.stop()
    assert under.status(request(f"GET /?token={QUERY} HTTP/1.1")) == 503
    assert len(under.worker.events("failover")) == 2
    for origin in (under.one, under.two):
        origin.start()
