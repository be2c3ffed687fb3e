"""Cloudflare Access in front of the admin side, on workerd, with test keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from support.access import AUDIENCE, HEADER, certs, claims, hmac_jwt, jwt, text_of, unsigned
from support.answers import in_turn, reply
from support.client import Answer
from support.origins import Origin, origins
from support.toml import load_balancer, pool, value
from support.workerd import Workerd, workerd

TOKEN = "an-admin-token-for-tests-0123456789_abcdef"
STATE = True
VARIABLES = {"LB_ADMIN_TOKEN": TOKEN}
SITE = "http://service.example.com"
CERTS = "/cdn-cgi/access/certs"
SAME_PAGE = (("Origin", SITE), ("Sec-Fetch-Site", "same-origin"))
LISTS = {"writers": ["ann@example.com", "robot.access"], "readers": ["Bob@example.com"]}


def configuration(one: Origin, team: Origin) -> str:
    """An admin side with Access whose team domain is a test origin."""
    return below("/_lb", one, team)


def below(path: str, one: Origin, team: Origin) -> str:
    """The same configuration at another admin path."""
    access = {"team": f"{team.url}/", "audience": AUDIENCE, **LISTS}
    return "\n".join(
        [
            f"admin = {value({'path': path, 'access': access})}",
            pool("p", one),
            load_balancer("*", "p"),
        ]
    )


@pytest.fixture
def team(two: Origin) -> Iterator[Origin]:
    """The team domain, which publishes its first key."""
    two.behave(reply(200, certs("k1")), path=CERTS)
    yield two
    two.start()


def session(worker: Workerd, *fields: tuple[str, str], path: str = "/_lb") -> Answer:
    """Request the current session."""
    return worker.get(f"{path}/session", *fields)


def role(answer: Answer) -> Any:
    """The role and the author in a response."""
    assert answer.status == 200, answer.text
    result = json.loads(answer.text)["result"]
    return result["role"], result["author"]


def reason(answer: Answer) -> tuple[int, str]:
    """The status and the message of a refusal."""
    document = json.loads(answer.text)
    return answer.status, document["errors"][0]["message"]


def test_whom_access_knows_needs_no_token(worker: Workerd, team: Origin) -> None:
    """A valid JWT in the header or cookie needs no token; its email selects the role."""
    good = jwt(claims(team.url))
    assert role(session(worker, (HEADER, good))) == ("admin", "ann@example.com")
    assert role(session(worker, ("Cookie", f"a=b; CF_Authorization={good}")))[0] == "admin"
    reader = jwt(claims(team.url, email="BOB@example.com"))
    assert role(session(worker, (HEADER, reader))) == ("read", "bob@example.com")
    robot = jwt(claims(team.url, email=None, common_name="robot.access", aud=AUDIENCE))
    assert role(session(worker, (HEADER, robot))) == ("admin", "robot.access")
    stranger = jwt(claims(team.url, email="eve@example.com"))
    assert reason(session(worker, (HEADER, stranger))) == (
        403,
        "[admin] access does not name eve@example.com",
    )
    # All requests share one fetch of the keys.
    assert len([each for each in team.requests if each.path == CERTS]) <= 1


FORGERIES: Mapping[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "none": ("it is not signed with RS256", lambda said: f"{_with('none', said)}.e30"),
    "None": ("it is not signed with RS256", lambda said: f"{_with('None', said)}.e30"),
    "empty signature": ("it is not a JWT", lambda said: f"{_with('none', said)}."),
    "HS256 with the public key": ("it is not signed with RS256", hmac_jwt),
    "RS512": ("it is not signed with RS256", lambda said: jwt(said, alg="RS512")),
    "no kid": ("it does not say which key it is signed with", lambda said: jwt(said, kid="")),
    "crit": (
        "it does not say which key it is signed with",
        lambda said: jwt(said, crit=["exp"]),
    ),
    "another key": ("its signature is wrong", lambda said: jwt(said, key="another")),
    "own jwk": (
        "its signature is wrong",
        lambda said: jwt(said, key="another", jwk={"kty": "RSA"}),
    ),
    "other claims": (
        "its signature is wrong",
        lambda said: ".".join(
            [jwt(said).split(".")[0], _part({**said, "email": "root"}), jwt(said).split(".")[2]]
        ),
    ),
    "cut signature": ("its signature is wrong", lambda said: jwt(said)[:-20]),
    "over": ("it has expired", lambda said: jwt({**said, "exp": time.time() - 120})),
    "never over": ("it has expired", lambda said: jwt({**said, "exp": None})),
    "over as text": ("it has expired", lambda said: jwt({**said, "exp": "9999999999"})),
    "too early": ("it is not valid yet", lambda said: jwt({**said, "nbf": time.time() + 120})),
    "of tomorrow": ("it is not valid yet", lambda said: jwt({**said, "iat": time.time() + 86400})),
    "another team": (
        "it is another team's",
        lambda said: jwt({**said, "iss": "https://evil.test"}),
    ),
    "no team": ("it is another team's", lambda said: jwt({**said, "iss": None})),
    "another application": (
        "it is for another application",
        lambda said: jwt({**said, "aud": ["0" * 64]}),
    ),
    "part of an audience": (
        "it is for another application",
        lambda said: jwt({**said, "aud": AUDIENCE[:8]}),
    ),
    "nobody": ("it names nobody", lambda said: jwt({**said, "email": ""})),
    "nonsense": ("it is not a JWT", lambda _: "a.b"),
    "deep": ("it is not a JWT", lambda _: f"{text_of(b'[' * 5000)}.e30.e30"),
    "no tables": ("it is not a JWT", lambda _: "W10.W10.W10"),
    "four parts": ("it is not a JWT", lambda said: jwt(said) + ".e30"),
}


def _with(algorithm: str, said: Any) -> str:
    return unsigned(said, {"alg": algorithm, "kid": "k1"})


def _part(said: Any) -> str:
    return unsigned(said, {}).split(".")[1]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_bad_jwt_opens_nothing(forgery: str, worker: Workerd, team: Origin) -> None:
    """An invalid JWT gets 403 with the reason, even if a valid JWT of the same user is accepted."""
    words, forged = FORGERIES[forgery]
    said = claims(team.url)
    # One client address per case, because repeated failures are rate-limited.
    client = ("CF-Connecting-IP", f"192.0.2.{list(FORGERIES).index(forgery) + 1}")
    assert role(session(worker, (HEADER, jwt(said)), client))[0] == "admin"
    answer = session(worker, (HEADER, forged(said)), client)
    assert reason(answer) == (403, f"the JWT of Access: {words}")
    assert session(worker, ("Cookie", f"CF_Authorization={forged(said)}"), client).status == 403


def test_a_bad_jwt_beside_a_good_token_is_refused(worker: Workerd, team: Origin) -> None:
    """An invalid JWT is refused even beside a valid token."""
    forged = jwt(claims(team.url), key="another")
    bearer = ("Authorization", f"Bearer {TOKEN}")
    client = ("CF-Connecting-IP", "198.51.100.1")
    assert session(worker, (HEADER, forged), bearer, client).status == 403
    good = jwt(claims(team.url))
    assert role(session(worker, (HEADER, good), bearer, client)) == ("admin", "admin token")


def test_a_change_by_access_needs_the_csrf_token(worker: Workerd, team: Origin) -> None:
    """A change authenticated by Access needs a CSRF token and a same-origin request."""
    mine = (HEADER, jwt(claims(team.url)))
    csrf = json.loads(session(worker, mine).text)["result"]["csrf"]
    token = ("X-CSRF-Token", csrf)
    assert worker.send("POST", "/_lb/nothing", mine).status == 403
    assert worker.send("POST", "/_lb/nothing", mine, *SAME_PAGE).status == 403
    assert worker.send("POST", "/_lb/nothing", mine, token).status == 403
    assert worker.send("POST", "/_lb/nothing", mine, token, *SAME_PAGE).status == 404
    bob = (HEADER, jwt(claims(team.url, email="bob@example.com")))
    assert worker.send("POST", "/_lb/nothing", bob, token, *SAME_PAGE).status == 403
    own = ("X-CSRF-Token", json.loads(session(worker, bob).text)["result"]["csrf"])
    answer = worker.send("POST", "/_lb/nothing", bob, own, *SAME_PAGE)
    assert reason(answer) == (403, "bob@example.com may only read")


def test_access_can_begin_a_session_that_ends_with_its_jwt(worker: Workerd, team: Origin) -> None:
    """A JWT of Access can start a session, whose cookie alone then authenticates."""
    mine = (HEADER, jwt(claims(team.url, exp=int(time.time()) + 100)))
    csrf = ("X-CSRF-Token", json.loads(session(worker, mine).text)["result"]["csrf"])
    begun = worker.send("POST", "/_lb/session", mine, csrf, *SAME_PAGE)
    assert begun.status == 204
    cookie = begun.head.all("set-cookie")[0].partition(";")[0]
    assert role(session(worker, ("Cookie", cookie))) == ("admin", "ann@example.com")
    assert worker.send("POST", "/_lb/session", mine, *SAME_PAGE).status == 403


def test_without_keys_nobody_is_known_and_the_token_works() -> None:
    """Without the keys, a JWT gets 503 and fetches are limited; the token still works."""
    bad = (
        reply(500),
        reply(200, b"{}"),
        reply(200, b"[" * 1000),
        reply(200, b"x" * 200_000),
        reply(302, b"", ("Location", "/elsewhere")),
    )
    with origins(2) as (one, team):
        team.behave(in_turn(*bad), path=CERTS)
        config = configuration(one, team)
        with workerd(config, {"LB_ADMIN_TOKEN": TOKEN}, state=True) as worker:
            mine = (HEADER, jwt(claims(team.url)))
            for _ in range(8):
                assert reason(session(worker, mine)) == (
                    503,
                    "the keys of Access cannot be fetched: try again, or use a token",
                )
            assert [each.path for each in team.requests] == [CERTS] * 5
            bearer = ("Authorization", f"Bearer {TOKEN}")
            assert role(session(worker, mine, bearer))[0] == "admin"


def test_a_key_that_comes_later_is_asked_for_once_a_minute() -> None:
    """An unknown key id triggers no new fetch of the keys within a minute."""
    with origins(2) as (one, team):
        team.behave(reply(200, certs("k1")), path=CERTS)
        config = below("/ops", one, team)
        with workerd(config, {"LB_ADMIN_TOKEN": TOKEN}, state=True) as worker:
            said = claims(team.url)
            assert role(session(worker, (HEADER, jwt(said)), path="/ops"))[0] == "admin"
            for kid in ("k2", "k3", "k2"):
                answer = session(worker, (HEADER, jwt(said, kid=kid)), path="/ops")
                assert reason(answer) == (403, "the JWT of Access: its key is not known")
            assert len(team.requests) == 1
            assert role(session(worker, (HEADER, jwt(said)), path="/ops"))[0] == "admin"
