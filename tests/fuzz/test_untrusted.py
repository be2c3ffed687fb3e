"""Properties of everything that reads input from clients and origins."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from lb.config import Invalid, from_toml
from lb.model import SessionAffinityAttributes
from lb.probing.causes import Phase, failure_of
from lb.probing.probe import Finished, HttpProbe, ProbeFailure
from lb.probing.types.http import redirected
from lb.probing.types.smtp import MOST_BYTES, Smtp
from lb.proxy.balancer import Balancer
from lb.proxy.cut_offs import UNKNOWN_LENGTH, promised
from lb.proxy.forwarding import MOST_NAMED, named_by_connection
from lb.proxy.pages import page
from lb.proxy.plan import Plan
from lb.proxy.steps import Refuse
from lb.request.edge_answers import Writer, writer_of, written_by_edge
from lb.request.facts import RequestFacts, host_of
from lb.request.hosts import HostTable, loopback
from lb.request.regions import region_of
from lb.selection.affinity import CookieAffinity, HeaderAffinity, cookie_of, values_of
from support.hostile import anything, quick, text
from support.make import balancer_of, facts, pool

HOST = re.compile(r"[a-z0-9_.-]{1,253}|\[[0-9a-f:.]+\]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
POOL = pool("p", "a", "b")
LB = balancer_of(POOL, name="service.example.com")
COOKIES = CookieAffinity(LB, "key")
TOKENS = {
    (COOKIES.cookie(one, https=False) or "").partition(";")[0].partition("=")[2]: one
    for one in POOL.origins
}
SITE = from_toml(
    """
[[pools]]
name = "p"
origins = [{ name = "a", address = "a.example.com" }, { name = "b", address = "b.example.com" }]

[[load_balancers]]
name = "*"
default_pools = ["p"]
fallback_pool = "p"
session_affinity = "ip_cookie"

[[load_balancers]]
name = "*.example.com"
default_pools = ["p"]
fallback_pool = "p"
https_redirect = true
"""
)
assert not isinstance(SITE, Invalid)
BALANCER = Balancer(SITE, cookie_key="key")

urls = some.builds("{}://{}{}".format, some.sampled_from(["http", "https"]), text, text) | text
headers = some.dictionaries(
    some.sampled_from(
        [
            *("cookie", "connection", "x-evenkeel-via", "cf-connecting-ip", "content-length"),
            *("content-type", "server", "cf-ray", "x-forwarded-for", "upgrade"),
        ]
    ),
    text,
)


@given(urls)
def test_a_url_is_taken_apart(url: str) -> None:
    """A URL's parts do not overlap: the target is its end, and the host is valid or empty."""
    read = facts(url=url)
    assert url.endswith(read.target)
    assert "@" not in read.authority
    assert "://" not in url[:8] or not {"/", "?"} & set(read.authority)
    assert host_of(read.authority) == read.host
    if read.host:
        assert read.authority.lower().startswith(read.host)


@given(text)
def test_a_host_is_served_only_if_it_is_one(host: str) -> None:
    """A host that matches is a valid name for DNS or RFC 3986, and the search is quick."""
    table = HostTable([("a.example.com", 1), ("*.example.com", 2), ("*", 3)])
    found = quick(lambda: table.find(host), 0.2)
    assert found in (None, 1, 2, 3)
    assert (found is not None) == bool(HOST.fullmatch(host))
    assert loopback(host) in (True, False)


@given(some.sampled_from(["GET", "POST", "\ufeff", ""]), urls, headers, some.booleans())
def test_every_request_has_an_answer_or_an_origin(
    method: str, url: str, known: dict[str, str], body: bool
) -> None:
    """Every request gets a plan, or a page that links only to its own host and repeats nothing."""
    read = RequestFacts(method, url, known.get, lambda: body)
    serving, plan = BALANCER.plan(read, 1000.0, lambda: 0.5)
    if isinstance(plan, Plan):
        assert serving is not None
        step = plan.start()
        assert not isinstance(step, Refuse)
        sent = serving.forwarding.url(step.origin, read)
        assert sent == step.origin.url + read.target
        edits = serving.forwarding.request(step.origin, read)
        assert all(TOKEN.fullmatch(name.lower()) for name in edits.remove)
        return
    made = page(plan)
    if plan.location is None:
        assert known.get("cookie", "?") not in ("", "?") or "<script" not in made.body
        return
    where = re.match(r"https://([^/?#\\]*)", plan.location)
    assert where is not None
    assert where[1] == read.host
    assert HOST.fullmatch(read.host)
    assert read.host.endswith(".example.com")


@given(text)
def test_a_length_is_a_number_of_bytes(value: str) -> None:
    """A valid Content-Length is a limited number of digits; any other counts as absent."""
    length = facts("POST", body=True, content_length=value).content_length
    assert length is None or 0 <= length < 10**16
    assert (length is not None) == bool(re.fullmatch("[0-9]{1,15}", value))
    watched = promised(lambda name: value if name == "content-length" else "")
    assert watched in (None, UNKNOWN_LENGTH, length)


@given(text)
def test_connection_names_headers(value: str) -> None:
    """Connection names a limited number of headers, none of them Cloudflare's."""
    names = quick(lambda: named_by_connection(value), 0.2)
    assert isinstance(names, tuple)
    assert len(names) <= MOST_NAMED
    for name in names:
        assert TOKEN.fullmatch(name)
        assert not name.startswith("cf-")
        assert name in value.lower()


cookie_names = some.sampled_from(["__evenkeel", "a", "x__evenkeel", "__evenkeelx", "__EVENKEEL"])
cookie_values = some.sampled_from([*TOKENS, *(each.upper() for each in TOKENS), "0" * 32]) | text
pairs = some.lists(some.tuples(cookie_names, cookie_values), max_size=12)


@given(pairs, some.sampled_from(["; ", ";", " ;  ", ", "]))
def test_a_cookie_pins_only_by_its_whole_value(sent: list[tuple[str, str]], separator: str) -> None:
    """A cookie pins a client only by a whole pair with our name and a valid token as its value."""
    header = separator.join(f"{name}={value}" for name, value in sent)
    origin = quick(lambda: COOKIES.pinned(facts(cookie=header)), 0.2)
    # Whitespace around it is ignored, quotes are not removed (RFC 6265, 5.2 and 4.1.1).
    # Two lines may be joined by a comma, which no token has.
    entries = re.split("[;, ]", header)
    whole = {entry.partition("=")[2].strip('"') for entry in entries if "=" in entry}
    assert origin is None or any(TOKENS[each] is origin for each in whole & set(TOKENS))


plain_names = some.text("abx_-", min_size=1, max_size=3)
plain_values = some.text("ab=%/", max_size=5)


@given(some.dictionaries(plain_names, plain_values, min_size=1, max_size=7), plain_names, text)
def test_cookies_are_read_as_others_read_them(sent: dict[str, str], name: str, junk: str) -> None:
    """The search finds the cookies that Python's parser finds, and withstands junk."""
    header = "; ".join(f"{each}={value}" for each, value in sent.items())
    jar: SimpleCookie = SimpleCookie()
    jar.load(header)
    assert cookie_of(header, name) == (jar[name].value if name in jar else "")
    assert isinstance(quick(lambda: list(values_of(junk, name)), 0.2), list)


@given(headers, some.booleans())
def test_a_session_by_header_has_a_key_or_none(known: dict[str, str], every: bool) -> None:
    """A session by header has a key of 64 bits, the same for the same request, or none."""
    attributes = SessionAffinityAttributes(
        headers=("cookie:a,b", "x-forwarded-for", "Cookie"), require_all_headers=every
    )
    kept = HeaderAffinity(balancer_of(POOL, session_affinity_attributes=attributes), "")
    keys = {kept.key(RequestFacts("GET", "http://a/", known.get)) for _ in range(2)}
    assert len(keys) == 1
    assert all(key is None or 0 <= key < 1 << 64 for key in keys)


@given(some.dictionaries(some.sampled_from(["country", "regionCode", "latitude", "asn"]), anything))
def test_a_place_is_known_or_not(cf: dict[str, object]) -> None:
    """Any `request.cf` is a location or none."""
    read = facts(cf=cf)
    region_of(read)
    assert read.latitude is None or isinstance(read.latitude, float | int)
    assert read.asn is None or isinstance(read.asn, int)


@given(
    some.lists(some.binary(max_size=30) | some.sampled_from([b"220 ", b"250-a\n", b"250 a\r\n"]))
)
def test_a_mail_server_may_say_anything(said: list[bytes]) -> None:
    """An SMTP probe sends at most two commands, buffers little, and ends."""
    dialogue, spoken = Smtp(), 0
    for data in said:
        step = dialogue.received(data)
        if isinstance(step, Finished):
            assert step.cause in ("", "Response code mismatch", "Response body mismatch")
            return
        spoken += bool(step)
        assert spoken <= 2
        assert len(dialogue._unread) <= MOST_BYTES
    more = 0
    while not isinstance(dialogue.received(b"x" * 1000), Finished):
        more += 1
        assert more < 10


PROBE = HttpProbe(
    method="POST",
    url="https://origin.example.com:8443/health?a=b",
    headers=(("User-Agent", "probe"), ("Authorization", "secret")),
    timeout=5,
    redirects_left=5,
    body_limit=0,
)


@given(some.sampled_from([200, 301, 302, 303, 304, 307, 308, 999]), text, some.booleans())
@example(status=301, location="\x00https://", plain=True)  # Was requested though it is no URL.
def test_a_redirect_takes_no_secret_along(status: int, location: str, plain: bool) -> None:
    """A redirect to another host or port takes only the User-Agent along, and leads to HTTP(S)."""
    probe = (
        PROBE
        if not plain
        else HttpProbe(
            method="GET",
            url="http://origin.example.com/health",
            headers=PROBE.headers,
            timeout=5,
            redirects_left=5,
            body_limit=0,
        )
    )
    then = quick(lambda: redirected(probe, status, location), 0.5)
    assert then is None or isinstance(then, ProbeFailure | HttpProbe)
    if not isinstance(then, HttpProbe):
        return
    assert then.url.startswith("https://" if not plain else ("https://", "http://"))
    base = probe.url[: probe.url.index("/", 8)]
    if len(then.headers) > 1:
        # As in a browser, the authority ends at the first of these.
        assert re.split(r"[/?#\\]", then.url[8:], maxsplit=1)[0] == base[8:]
        assert urlsplit(then.url).netloc == urlsplit(base).netloc
    assert "#" not in then.url


@given(some.sampled_from(Phase), text, text, headers)
def test_an_error_has_a_cause(phase: Phase, name: str, message: str, known: dict[str, str]) -> None:
    """Any error of the runtime becomes one of a few causes."""
    assert isinstance(failure_of(phase, name, message), ProbeFailure)
    assert written_by_edge(lambda wanted: known.get(wanted, "")) in (True, False)


@given(some.integers(100, 599), text, text, text)
def test_an_answer_has_a_writer(status: int, cache_status: str, mitigated: str, to: str) -> None:
    """Any headers of an origin name one of three writers, at once."""
    found = {"cf-cache-status": cache_status, "cf-mitigated": mitigated, "location": to}
    writer = quick(lambda: writer_of(status, lambda name: found.get(name, "")))
    assert isinstance(writer, Writer)


MANY = 200_000


@pytest.mark.parametrize(
    "part",
    [
        *(
            "220-\n",
            "220 ",
            "a.",
            "a:",
            "a;",
            "__evenkeel=",
            "[",
            "]",
            "@",
            "/../",
            "/",
            "?",
            ",",
            "-",
            "=",
            " ",
            ".",
        )
    ],
)
def test_nothing_costs_a_square(part: str) -> None:
    """200,000 repetitions in a URL, host, cookie, header or Location take less than a second."""
    long = part * MANY
    quick(lambda: facts(url=f"http://{long}/").host)
    quick(lambda: facts(url=f"http://a/{long}").target)
    quick(lambda: HostTable([("*.example.com", 1), ("*", 2)]).find(long))
    quick(lambda: list(values_of(long, "__evenkeel")))
    quick(lambda: named_by_connection(long))
    quick(lambda: redirected(PROBE, 302, long))
    quick(lambda: Smtp().received(long.encode()))
    quick(lambda: promised({"content-length": long, "content-type": long}.__getitem__))
