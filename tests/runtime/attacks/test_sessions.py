"""Affinity cookies that are forged, replayed or another client's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lb.config import Invalid, from_toml
from lb.selection.affinity import CookieAffinity
from support.client import Answer
from support.siege import COOKIE_KEY, OTHER, PLAIN, Siege, check_log, configuration, request, siege

NAME = "__evenkeel"


def token(under: Siege, host: str, origin: str, key: str) -> str:
    """The cookie value that a client computes from the names and a key."""
    config = from_toml(configuration(under.one, under.two, under.three))
    assert not isinstance(config, Invalid)
    lb = next(each for each in config.load_balancers if each.name == host)
    known = {each.name: each for pool in lb.pools for each in pool.origins}
    cookie = CookieAffinity(lb, key).cookie(known[origin], https=False)
    return cookie.partition(";")[0].partition("=")[2]


def ask(under: Siege, *cookies: str, host: str = PLAIN) -> Answer:
    """Send a GET with these Cookie headers."""
    lines = [b"Cookie: " + each.encode("latin-1") for each in cookies]
    answer = under.send(request(b"GET / HTTP/1.1", *lines, host=host, secrets=False))
    assert answer is not None
    assert answer.status == 200
    return answer


def pinned(under: Siege, *cookies: str, host: str = PLAIN) -> bool:
    """Whether the cookie is accepted, so the response sets no new one."""
    return ask(under, *cookies, host=host).head.all("set-cookie") == []


@pytest.fixture(scope="module")
def keyless() -> Iterator[Siege]:
    """A Worker without LB_COOKIE_KEY."""
    with siege({"LB_COOKIE_KEY": ""}) as made:
        yield made
        made.check()
        check_log(made.worker)


def test_a_cookie_of_ours_counts(under: Siege) -> None:
    """A valid cookie selects its origin, so a rejection in the tests below is no accident."""
    mine = token(under, PLAIN, "two", COOKIE_KEY)
    answer = ask(under, f"a=b; {NAME}={mine}; c=d")
    assert (answer.text, answer.head.all("set-cookie")) == ("two", [])


@pytest.mark.parametrize("key", ["", "guessed", COOKIE_KEY + " ", COOKIE_KEY.upper()])
def test_without_the_key_nobody_chooses_an_origin(key: str, under: Siege) -> None:
    """A cookie made without the key, or with a wrong key, selects no origin."""
    answer = ask(under, f"{NAME}={token(under, PLAIN, 'two', key)}")
    assert answer.text == "one"
    assert answer.head.all("set-cookie") != []


def test_another_load_balancers_cookie_is_a_strangers(under: Siege) -> None:
    """A cookie of another load balancer is rejected, even for an origin that both share."""
    replayed = ask(under, host=OTHER).head.all("set-cookie")[0].partition(";")[0]
    assert pinned(under, replayed, host=OTHER)
    assert not pinned(under, replayed)
    assert ask(under, replayed).text == "one"


def test_a_cookie_for_a_disabled_origin_leads_elsewhere(under: Siege) -> None:
    """A validly signed cookie for a disabled origin leads to another origin."""
    old = token(under, OTHER, "off", COOKIE_KEY)
    for _ in range(5):
        answer = ask(under, f"{NAME}={old}", host=OTHER)
        assert answer.text == "three"
        assert answer.head.all("set-cookie") != []
    assert under.one.requests == []


def test_without_a_key_names_are_enough_but_not_for_those_who_are_off(keyless: Siege) -> None:
    """Without a key, a computed cookie selects an enabled origin but never a disabled one."""
    mine = token(keyless, PLAIN, "two", "")
    assert ask(keyless, f"{NAME}={mine}").text == "two"
    assert ask(keyless, f"{NAME}={token(keyless, PLAIN, 'two', COOKIE_KEY)}").text == "one"
    assert ask(keyless, f"{NAME}={token(keyless, OTHER, 'three', '')}").text == "one"
    off = token(keyless, OTHER, "off", "")
    assert ask(keyless, f"{NAME}={off}", host=OTHER).text == "three"
    keyless.one.stop()
    assert ask(keyless, f"{NAME}={mine}").text == "two"
    keyless.one.start()


VARIANTS = [
    "{n}={t}x",
    "{n}=x{t}",
    "{n}={T}",
    "x{n}={t}",
    "{n}x={t}",
    "{N}={t}",
    "{n}={t}\xff",
    "{n}= {t} x",
    "{n}=\t{t}",
    "{n}='{t}'",
    "{n}=%s",
    "{n}",
    "{n}=",
    "={t}",
    "{n}=" + "0" * 32,
    "{n}=" + "\xff" * 32,
    "{n}=" + "../" * 10 + "ab",
    "{n}==; {n}=;" * 1000,
    # More cookies of the same name before the valid one than any client has.
    "; ".join(["{n}=" + "0" * 32] * 100) + "; {n}={t}",
    "{n}=" * 100 + "{t}",
]


@pytest.mark.parametrize("variant", VARIANTS, ids=range(len(VARIANTS)))
def test_what_is_not_quite_a_cookie_of_ours_is_none(variant: str, under: Siege) -> None:
    """A malformed cookie is ignored, and the client gets a valid one."""
    mine = token(under, PLAIN, "two", COOKIE_KEY)
    sent = variant.format(n=NAME, N=NAME.upper(), t=mine, T=mine.upper())
    answer = ask(under, sent)
    assert answer.text == "one"
    (cookie,) = answer.head.all("set-cookie")
    assert cookie.startswith(f"{NAME}={token(under, PLAIN, 'one', COOKIE_KEY)}; Path=/; Max-Age=")


def test_the_first_cookie_that_is_ours_counts(under: Siege) -> None:
    """The first valid cookie counts if there are several of the same name."""
    first, second = (token(under, PLAIN, each, COOKIE_KEY) for each in ("two", "one"))
    assert ask(under, f"{NAME}={first}; {NAME}={second}").text == "two"
    assert ask(under, f"{NAME}=old; {NAME}={first}").text == "two"


def test_a_pinned_client_cannot_hold_on_to_a_failing_origin(under: Siege) -> None:
    """A client pinned to a failing origin is served by another origin and gets a new cookie."""
    under.two.stop()
    answer = ask(under, f"{NAME}={token(under, PLAIN, 'two', COOKIE_KEY)}")
    assert answer.text == "one"
    assert answer.head.all("set-cookie") != []
    under.two.start()
