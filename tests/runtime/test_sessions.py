"""Session affinity: a cookie keeps a client on its origin."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest

from support.answers import reply
from support.client import Answer
from support.origins import Origin
from support.toml import at, load_balancer, pool
from support.workerd import HTTPS, Workerd, workerd

NAME = "__evenkeel"
LIFE = "Max-Age=82800"
VARIABLES = {"LB_COOKIE_KEY": "a key of this test"}


def configuration(one: Origin, two: Origin) -> str:
    """One load balancer for each kind of cookie."""
    quiet = {"session_affinity": "cookie", "ejection": {"base_time": 0}}
    named = {"cookie_name": "sid", "session_affinity_ttl": 1800}
    strict = {"session_affinity_attributes": {"samesite": "Strict", "secure": "Always"}}
    lax = {"session_affinity_attributes": {"samesite": "Lax", "secure": "Never"}}
    return "\n".join(
        [
            pool("both", one, two),
            pool("half", at(one, enabled=False), two),
            pool("drained", at(one, weight=0), two),
            load_balancer("none.test", "both"),
            load_balancer("cookie.test", "both", **quiet),
            load_balancer("ip.test", "both", **{**quiet, "session_affinity": "ip_cookie"}),
            load_balancer("named.test", "both", **quiet, **named),
            load_balancer("strict.test", "both", **quiet, **strict),
            load_balancer("lax.test", "both", **quiet, **lax),
            load_balancer("half.test", "half", **quiet),
            load_balancer("drained.test", "drained", **quiet),
        ]
    )


def cookie_of(answer: Answer) -> str | None:
    """The name and value of the cookie that a response sets."""
    values = answer.head.all("set-cookie")
    return values[0].partition(";")[0] if values else None


def session(worker: Workerd, origin: str, host: str = "cookie.test") -> str:
    """A cookie that pins to this origin."""
    for _ in range(200):
        answer = worker.get("/", host=host)
        if answer.served_by == origin:
            return cookie_of(answer) or ""
    raise AssertionError(f"{origin} was never chosen")


def served(worker: Workerd, cookie: str, host: str = "cookie.test", times: int = 12) -> set[object]:
    """The origins that serve requests with this Cookie header."""
    return {worker.get("/", ("Cookie", cookie), host=host).served_by for _ in range(times)}


def test_without_affinity_there_is_no_cookie(worker: Workerd) -> None:
    """A load balancer without session affinity sets no cookie."""
    assert cookie_of(worker.get("/", host="none.test")) is None


@pytest.mark.parametrize("host", ["cookie.test", "ip.test"])
@pytest.mark.parametrize("origin", ["one", "two"])
def test_a_session_stays(host: str, origin: str, worker: Workerd) -> None:
    """A client that sends its cookie stays on its origin and gets no other cookie."""
    ips = [f"198.51.100.{number}" for number in range(30)]
    answers = [worker.get("/", ("CF-Connecting-IP", ip), host=host) for ip in ips]
    cookie = next(cookie_of(answer) for answer in answers if answer.served_by == origin)

    for ip in ips:
        fields = (("Cookie", f"a=b; {cookie}; c=d"), ("CF-Connecting-IP", ip))
        answer = worker.get("/", *fields, host=host)
        assert (answer.served_by, cookie_of(answer)) == (origin, None)


@pytest.mark.parametrize(
    ("host", "https", "expected"),
    [
        ("cookie.test", False, "__evenkeel=V; Path=/; Max-Age=82800; HttpOnly; SameSite=Lax"),
        (
            "cookie.test",
            True,
            "__evenkeel=V; Path=/; Max-Age=82800; HttpOnly; Secure; SameSite=None",
        ),
        ("named.test", False, "sid=V; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax"),
        (
            "strict.test",
            False,
            "__evenkeel=V; Path=/; Max-Age=82800; HttpOnly; Secure; SameSite=Strict",
        ),
        ("lax.test", True, "__evenkeel=V; Path=/; Max-Age=82800; HttpOnly; SameSite=Lax"),
    ],
)
def test_the_cookies_attributes(host: str, https: bool, expected: str, worker: Workerd) -> None:
    """The cookie has the configured name, lifetime and attributes; Auto follows the scheme."""
    answer = worker.get("/", *([HTTPS] if https else []), host=host)
    (cookie,) = answer.head.all("set-cookie")

    assert re.sub(r"=[0-9a-f]{32};", "=V;", cookie, count=1) == expected


def test_the_origins_own_cookies_stay(worker: Workerd, one: Origin, two: Origin) -> None:
    """The balancer's cookie is added to the origin's cookies."""
    for origin in (one, two):
        origin.behave(reply(200, b"", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))
    first, second, ours = worker.get("/", host="cookie.test").head.all("set-cookie")

    assert (first, second) == ("a=1", "b=2")
    assert ours.startswith(f"{NAME}=")


def test_the_value_tells_nothing(worker: Workerd, one: Origin) -> None:
    """The cookie's value reveals no origin, pool, host or address and differs by load balancer."""
    value = session(worker, "one").partition("=")[2]

    assert re.fullmatch(r"[0-9a-f]{32}", value)
    assert session(worker, "one") == f"{NAME}={value}"
    assert session(worker, "one", "strict.test") != f"{NAME}={value}"
    assert session(worker, "two") != f"{NAME}={value}"


def test_the_cookie_is_signed(worker: Workerd, one: Origin, two: Origin) -> None:
    """Another key yields other cookies and rejects the cookies of the first key."""
    mine = session(worker, "one")
    config = configuration(one, two)
    values = {mine}
    for variables in ({"LB_COOKIE_KEY": "another key"}, {}):
        with workerd(config, variables) as other:
            values.add(session(other, "one"))
            assert served(other, mine) == {"one", "two"}
    assert len(values) == 3

    with workerd(config, VARIABLES) as again:
        assert session(again, "one") == mine


@pytest.mark.parametrize(
    "cookie",
    [
        f"{NAME}=",
        NAME,
        f"{NAME}=one",
        f"{NAME}={'0' * 32}",
        f"{NAME}=" + "\xe9" * 32,
        f'{NAME}="{"a" * 32}',
        f"{NAME}={'a' * 12_000}",
        f"a={'b' * 14_000}; {NAME}=x",
        "; ".join(f"{NAME}={number:032x}" for number in range(100)),
        ";;;=;= ;",
        "\x01\x02",
    ],
    ids=range(1, 12),
)
def test_a_cookie_that_is_none_of_ours_is_ignored(cookie: str, worker: Workerd) -> None:
    """An unknown, truncated or huge cookie is ignored, and the client gets a valid one."""
    for _ in range(4):
        answer = worker.get("/", ("Cookie", cookie), host="cookie.test")
        assert answer.status == 200
        assert re.fullmatch(f"{NAME}=[0-9a-f]{{32}}", cookie_of(answer) or "")


def test_a_torn_cookie_is_ignored(worker: Workerd) -> None:
    """A truncated or extended cookie pins to no origin."""
    whole = session(worker, "one")
    for torn in (whole[:-1], whole[: len(whole) // 2], f"{whole}0", whole.upper()):
        assert served(worker, torn, times=20) == {"one", "two"}


def test_another_cookie_of_similar_name_is_not_ours(worker: Workerd) -> None:
    """A cookie whose name only begins or ends like the balancer's pins to no origin."""
    whole = session(worker, "one")
    assert served(worker, f"x{whole}", times=20) == {"one", "two"}
    assert served(worker, f"x{whole}; {session(worker, 'two')}") == {"two"}


def test_a_pinned_origin_that_is_down(worker: Workerd, one: Origin) -> None:
    """If the session's origin is down, another origin serves and sets a new cookie."""
    pinned = session(worker, "one")
    one.stop()
    answer = worker.get("/", ("Cookie", pinned), host="cookie.test")

    assert (answer.served_by, answer.status) == ("two", 200)
    moved = cookie_of(answer)
    assert moved is not None
    one.start()
    assert served(worker, moved) == {"two"}


def test_a_failing_answer_pins_nobody(worker: Workerd, one: Origin, two: Origin) -> None:
    """A response to a request that fails at all origins sets no cookie."""
    one.behave(reply(503))
    two.behave(reply(503))
    assert cookie_of(worker.get("/", host="cookie.test")) is None


def test_nobody_is_pinned_to_a_disabled_origin(worker: Workerd, one: Origin, two: Origin) -> None:
    """A cookie for an origin that has since been disabled does not lead to it."""
    enabled = pool("half", one, two) + load_balancer("half.test", "half", session_affinity="cookie")
    with workerd(enabled, VARIABLES) as before:
        old = session(before, "one", "half.test")
    one.reset()

    assert served(worker, old, "half.test") == {"two"}
    assert one.requests == []


def test_a_session_outlives_weight_0(worker: Workerd, one: Origin, two: Origin) -> None:
    """An origin of weight 0 gets no new clients and keeps its sessions."""
    enabled = pool("drained", one, two)
    balancer = load_balancer("drained.test", "drained", session_affinity="cookie")
    with workerd(enabled + balancer, VARIABLES) as before:
        old = session(before, "one", "drained.test")

    assert served(worker, old, "drained.test") == {"one"}
    assert served(worker, "", "drained.test") == {"two"}


def test_the_cookie_is_one_that_parsers_take(worker: Workerd) -> None:
    """A standard cookie parser finds name, value and attributes."""
    (line,) = worker.get("/", HTTPS, host="named.test").head.all("set-cookie")
    morsel = SimpleCookie(line)["sid"]

    assert (morsel["max-age"], morsel["path"]) == ("1800", "/")
    assert morsel["httponly"] is True
    assert morsel["secure"] is True
