"""The admin side of an isolate, with scripted ports before the real handlers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lb.admin.auth.throttle import FREE, LOG_EVERY
from lb.admin.calls import Answer
from lb.admin.request_body import BODY_SECONDS, LARGEST_BODY, BodyProblem
from lb.admin.run import FOLLOW_SECONDS, LONGEST_LOGGED_PATH, OBJECT_SECONDS
from lb.health.snapshot import Snapshot
from lb.log_events import AdminChange, AdminDenied, Trouble
from lb.model import Admin
from lb.request.facts import RequestFacts
from support.access import HEADER, certs, claims, hmac_jwt, jwt
from support.admin_side import (
    JSON,
    READ,
    SAME_PAGE,
    SITE,
    TEAM,
    TOKEN,
    Front,
    SentBody,
    bearer,
    header,
    reason,
    result,
    with_access,
)
from support.make import balancer_of, config_of, monitor, pool

PAGE = "https://ops.example.com"
OWN_PAGES = ("", "/", "/public")


def denials(front: Front) -> list[AdminDenied]:
    """Return the denials in the log."""
    return [event for event in front.logged if isinstance(event, AdminDenied)]


def changes(front: Front) -> list[AdminChange]:
    """Return the changes in the log."""
    return [event for event in front.logged if isinstance(event, AdminChange)]


def troubles(front: Front) -> list[str]:
    """Return the faults in the log, without their places."""
    events = [event for event in front.logged if isinstance(event, Trouble)]
    return [event.message.partition(" at ")[0] for event in events]


# Which requests it takes


@pytest.mark.parametrize(
    ("url", "claimed"),
    [
        (f"{SITE}/_lb", True),
        (f"{SITE}/_lb/status?a=/b", True),
        (f"{SITE}/_lb//", True),
        (f"{SITE}/_lbx", False),
        (f"{SITE}/_LB", False),
        (f"{SITE}//_lb", False),
        (f"{SITE}/?/_lb", False),
        (SITE, False),
    ],
)
def test_it_claims_what_is_below_its_path(url: str, claimed: bool) -> None:
    """Everything else goes to an origin."""
    assert Front().side.claims(RequestFacts("GET", url, lambda _: None)) is claimed


def test_without_a_token_there_is_no_admin_side() -> None:
    """Its path belongs to the origins then."""
    assert Front(variables={}).made is None


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"LB_ADMIN_TOKEN": "hush" * 7}, "LB_ADMIN_TOKEN has fewer than 32 characters"),
        ({"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": TOKEN}, "is the same as LB_ADMIN_TOKEN"),
        ({"LB_READ_TOKEN": READ}, "LB_READ_TOKEN is set and LB_ADMIN_TOKEN is not"),
    ],
)
def test_a_bad_token_closes_it(variables: dict[str, str], problem: str) -> None:
    """Every request is answered 503, and the log says why without the token."""
    front = Front(variables=variables)

    (message,) = troubles(front)
    assert problem in message
    assert not [token for token in variables.values() if token in message]
    for path in ("", "/public", "/session", "/status"):
        status, _, words = reason(front.send("GET", path, bearer(TOKEN)))
        assert (status, words.partition(":")[0]) == (
            503,
            "the admin side is closed until its tokens are mended",
        )
    assert front.object.calls == []


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "LOCK", "get"])
@pytest.mark.parametrize("path", ["", "/session", "/status"])
def test_an_unknown_method_is_refused_before_anything_else(method: str, path: str) -> None:
    """With the code of every 405, and the methods that there are."""
    front = Front()

    answer = front.send(method, path, bearer("wrong"))

    assert reason(answer) == (
        405,
        10405,
        "send one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    )
    assert header(answer, "Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert front.logged == []


def test_head_is_get_without_the_body() -> None:
    """RFC 9110, 9.3.2."""
    front = Front()

    for path in ("/", "/session", "/export"):
        shown, head = (front.send(method, path, bearer()) for method in ("GET", "HEAD"))
        assert (head.status, head.headers, head.body) == (200, shown.headers, "")
        assert shown.body


# Pages for anybody


def test_the_status_page_is_for_anybody_and_asks_nobody() -> None:
    """It has no data in it, so that it needs no credentials and no call of the object."""
    front = Front(bound=False)

    page = front.send("GET", "")

    assert page.status == 200
    assert header(page, "Content-Type") == "text/html; charset=utf-8"
    assert "script-src 'sha256-" in header(page, "Content-Security-Policy")
    assert front.send("GET", "/").body == page.body
    assert reason(front.send("POST", "/"))[0] == 401


def test_there_is_a_public_page_only_where_it_is_configured() -> None:
    """404 otherwise."""
    front = Front()

    assert reason(front.send("GET", "/public")) == (404, 7003, "there is nothing at /public")


def test_the_public_page_is_drawn_once_in_five_seconds() -> None:
    """However many people look at it."""
    drawn: list[float] = []
    config = config_of(balancer_of(pool("p", "a", monitor=monitor()), name="www.example.com"))

    def view(now: float) -> Any:
        drawn.append(now)
        return config, Snapshot({}, {}, now)

    front = Front(admin=Admin(public_page=True), view=view)
    start = front.office.now
    for after in (0.0, 1.0, 4.9, 5.0, 9.0, 3.0):
        front.office.now = start + after
        page = front.send("GET", "/public")
        assert "www.example.com" in page.body

    # A clock that goes backwards draws it anew, too.
    assert [at - start for at in drawn] == [0.0, 5.0, 3.0]


# Operators


def test_an_operator_is_answered_by_the_object() -> None:
    """All of a call is handed over, and the sender's name and role with it."""
    front = Front()

    answer = front.send(
        "POST",
        "/client/v4/accounts/a/load_balancers/pools?x=%20y",
        {**bearer(), "X-Auth-Email": "ann@example.com", "If-Match": '"7"'},
        json.dumps({"name": "p", "origins": [{"name": "o", "address": "o.example.com"}]}),
    )

    assert result(answer)["name"] == "p"
    assert header(answer, "ETag")
    (call,) = front.object.calls
    assert call == {
        "method": "POST",
        "path": "/client/v4/accounts/a/load_balancers/pools",
        "query": "x=%20y",
        "body": '{"name": "p", "origins": [{"name": "o", "address": "o.example.com"}]}',
        "author": "admin token (ann@example.com)",
        "may_write": True,
        "session": "",
        "if_match": '"7"',
    }


def test_every_answer_is_for_its_sender_alone() -> None:
    """Nobody may keep it, put it into a frame, or guess at its type."""
    front = Front()

    for method, path, headers in (
        ("GET", "/versions", bearer()),
        ("GET", "/nothing", bearer()),
        ("GET", "/status", {}),
        ("PUT", "/session", bearer()),
        ("OPTIONS", "/status", {}),
        ("GET", "", {}),
    ):
        answer = front.send(method, path, headers)
        assert header(answer, "Cache-Control") == "no-store"
        assert header(answer, "X-Content-Type-Options") == "nosniff"
        assert header(answer, "X-Frame-Options") == "DENY"
        assert header(answer, "Referrer-Policy") == "no-referrer"
        assert "default-src 'none'" in header(answer, "Content-Security-Policy")
        assert header(answer, "Access-Control-Allow-Origin") == ""


def test_without_credentials_nothing_is_asked_read_or_logged() -> None:
    """401 before the body is read."""
    front, body = Front(), SentBody("{}")

    for method, path in (("GET", "/status"), ("PUT", "/apply"), ("POST", "/"), ("GET", "//")):
        answer = front.send(method, path, {}, body)
        assert reason(answer)[:2] == (401, 10000)
        assert header(answer, "WWW-Authenticate") == 'Bearer realm="evenkeel"'
    assert body.reads == []
    assert front.object.calls == []
    assert front.logged == []


def test_a_reader_changes_nothing() -> None:
    """403, by token or by session."""
    front = Front()

    assert front.send("GET", "/versions", bearer(READ)).status == 200
    for headers in (bearer(READ), front.page(READ)):
        answer = front.send("POST", "/apply", headers, "{}")
        assert reason(answer) == (403, 10000, "read token may only read")
    assert [call["path"] for call in front.object.calls] == ["/versions", "/session"]


def test_wrong_tokens_are_logged_once_a_minute_and_slowed_down() -> None:
    """With the number of failures and the network; the token of the operator works meanwhile."""
    front = Front()
    guess = {**bearer("not-the-token"), "CF-Connecting-IP": "203.0.113.77"}

    statuses = [front.send("GET", "/status", guess).status for _ in range(FREE + 3)]
    front.office.now += LOG_EVERY
    again = front.send("GET", "/status", guess)

    assert statuses == [401] * FREE + [429] * 3
    assert again.status == 401
    assert denials(front) == [
        AdminDenied(cause="wrong token", failures=1, client="203.0.113.0/24"),
        AdminDenied(cause="wrong token", failures=FREE + 3, client="203.0.113.0/24"),
    ]
    right = {**bearer(), "CF-Connecting-IP": "203.0.113.77"}
    assert front.send("GET", "/versions", right).status == 200


def test_every_change_is_logged_with_its_author_and_its_outcome() -> None:
    """Neither the query nor the body; requests that change nothing are not logged."""
    front = Front()
    address = {"CF-Connecting-IP": "203.0.113.77"}

    front.send("GET", "/versions", {**bearer(), **address})
    front.send("POST", "/adopt?q=secret", {**bearer(), **address}, "secret")
    front.send("DELETE", "/" + "n" * 500, {**bearer(), **address})

    adopted, refused = changes(front)
    assert adopted == AdminChange(
        author="admin token",
        means="token",
        method="POST",
        path="/adopt",
        status=200,
        version=1,
        client="203.0.113.0/24",
    )
    assert (refused.status, refused.version) == (404, 0)
    assert len(refused.path) == LONGEST_LOGGED_PATH


# Bodies


@pytest.mark.parametrize(
    ("headers", "body", "refusal"),
    [
        ({}, BodyProblem.TOO_LARGE, (413, "the body is larger than 1048576 bytes")),
        ({}, BodyProblem.TOO_SLOW, (408, "the body was not there within 10 s")),
        ({}, BodyProblem.CUT_OFF, (400, "the body ended early")),
        ({}, BodyProblem.NOT_UTF8, (400, "the body is not UTF-8")),
        ({"Content-Length": "1048577"}, "{}", (413, "the body is larger than 1048576 bytes")),
        ({"Content-Encoding": "gzip"}, "{}", (415, "send the body as it is, not packed")),
    ],
)
def test_a_body_that_is_not_plain_small_and_whole_is_refused(
    headers: dict[str, str], body: str | BodyProblem, refusal: tuple[int, str]
) -> None:
    """The object is not asked, and the attempt is logged."""
    front = Front()

    answer = front.send("POST", "/apply", {**bearer(), **headers}, body)

    status, words = refusal
    assert reason(answer) == (status, 1000, words)
    assert front.object.calls == []
    assert [event.status for event in changes(front)] == [status]


def test_what_is_refused_by_its_headers_is_not_read() -> None:
    """A body of the largest size is, whatever it says of itself."""
    front = Front()
    packed, honest = SentBody("{}"), SentBody("{}")

    front.send("POST", "/apply", {**bearer(), "Content-Encoding": "br"}, packed)
    front.send(
        "POST",
        "/apply",
        {**bearer(), "Content-Length": "1048576", "Content-Encoding": " Identity "},
        honest,
    )

    assert packed.reads == []
    assert honest.reads == [(LARGEST_BODY, BODY_SECONDS)]


def test_a_request_without_a_body_has_an_empty_one() -> None:
    """Whatever its headers say of a body."""
    front = Front()

    front.send("GET", "/versions", {**bearer(), "Content-Encoding": "gzip"})

    assert [call["body"] for call in front.object.calls] == [""]


# The Durable Object


def test_without_an_object_the_answer_says_what_to_bind() -> None:
    """501; who one is can be said without it."""
    front = Front(bound=False)

    status, code, words = reason(front.send("GET", "/status", bearer()))

    assert (status, code) == (501, 1000)
    assert words.startswith("bind LB_STATE in wrangler.toml")
    assert result(front.send("GET", "/session", bearer()))["role"] == "admin"


def test_an_object_that_does_not_answer_is_given_up() -> None:
    """503 after 20 seconds: the change may have been made."""
    front = Front()
    front.object.seconds = OBJECT_SECONDS + 1

    answer = front.send("POST", "/adopt", bearer())

    assert front.took == OBJECT_SECONDS
    assert reason(answer)[:2] == (503, 1000)
    assert "look whether a change was made" in reason(answer)[2]
    assert header(answer, "Retry-After") == "5"
    assert troubles(front) == ["the state object cannot be reached: TimeoutError"]
    assert [event.status for event in changes(front)] == [503]
    assert front.followed == []


def test_a_slow_object_is_waited_for() -> None:
    """Just under the limit."""
    front = Front()
    front.object.seconds = OBJECT_SECONDS - 1

    assert front.send("POST", "/adopt", bearer()).status == 200


@pytest.mark.parametrize("reply", ["", "{}", "[]", '{"status": 200}'])
def test_an_answer_that_cannot_be_read_is_none(reply: str) -> None:
    """As when the object raises."""
    front = Front()
    front.object.replies = [reply]

    assert reason(front.send("GET", "/status", bearer()))[0] == 503


def test_an_object_that_raises_does_not_answer() -> None:
    """The log has the type of the error, and never its text."""
    front = Front()
    front.object.error = RuntimeError("a secret")

    assert reason(front.send("GET", "/status", bearer()))[0] == 503
    assert troubles(front) == ["the state object cannot be reached: RuntimeError"]
    assert "secret" not in repr(front.logged)


def test_the_answer_waits_until_this_isolate_serves_the_change() -> None:
    """For the version that the answer names."""
    front = Front(follow_seconds=2.0)

    assert result(front.send("POST", "/adopt", bearer()))["version"] == 1
    assert front.took == 2.0
    assert front.followed == [1]


@pytest.mark.parametrize(
    ("seconds", "error", "took", "kind"),
    [
        (FOLLOW_SECONDS + 1, None, FOLLOW_SECONDS, "TimeoutError"),
        (0.0, RuntimeError(), 0.0, "RuntimeError"),
    ],
)
def test_an_isolate_that_cannot_follow_answers_all_the_same(
    seconds: float, error: Exception | None, took: float, kind: str
) -> None:
    """The change is made; the log says that this isolate is behind."""
    front = Front(follow_seconds=seconds, follow_error=error)

    assert front.send("POST", "/adopt", bearer()).status == 200
    assert front.took == took
    assert troubles(front) == [f"this isolate does not know yet what was changed: {kind}"]


def test_a_fault_is_a_500_that_says_nothing_of_itself() -> None:
    """A body that raises breaks the port's promise; the client gets an answer even so."""

    class Broken(SentBody):
        async def read(self, largest: int, seconds: float) -> str | BodyProblem:
            raise KeyError(largest, seconds, "a secret")

    front = Front()

    answer = front.send("POST", "/apply", {**bearer(), "Origin": PAGE}, Broken(""))

    assert reason(answer) == (
        500,
        1000,
        "a fault of the load balancer itself: see the Worker's log",
    )
    assert troubles(front) == ["an admin request failed: KeyError"]
    assert "secret" not in repr(front.logged)


# The status page's session


def test_a_session_begins_with_a_token_and_ends_when_told() -> None:
    """A copy of its cookie is worth nothing from then on; other sessions go on."""
    front = Front()

    begun = front.send("POST", "/session", {**JSON, **SAME_PAGE}, json.dumps({"token": TOKEN}))
    assert (begun.status, begun.body) == (204, "")
    cookie, _, attributes = header(begun, "Set-Cookie").partition("; ")
    assert attributes == "Path=/_lb; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    mine = {"Cookie": cookie}
    described = result(front.send("GET", "/session", mine))
    assert (described["role"], described["author"]) == ("admin", "admin token")

    page = {**mine, **SAME_PAGE, "X-CSRF-Token": described["csrf"]}
    ended = front.send("DELETE", "/session", page)
    assert (ended.status, ended.body) == (204, "")
    assert header(ended, "Set-Cookie") == (
        "evenkeel_admin=; Path=/_lb; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    )
    for method, path in (("GET", "/session"), ("GET", "/versions"), ("POST", "/adopt")):
        answer = front.send(method, path, page)
        assert reason(answer) == (401, 10000, "Authentication error: this session was ended")
    assert front.send("GET", "/versions", front.log_in()).status == 200
    assert [(one.method, one.path, one.means, one.status) for one in changes(front)] == [
        ("POST", "/session", "token", 204),
        ("DELETE", "/session", "session", 204),
        ("POST", "/adopt", "session", 401),
        ("POST", "/session", "token", 204),
    ]


def test_a_session_is_described_with_a_csrf_token_and_a_token_without() -> None:
    """The page needs the first; a program with a token needs none."""
    front = Front()

    assert result(front.send("GET", "/session", front.log_in(READ)))["csrf"]
    assert result(front.send("GET", "/session", bearer(READ))) == {
        "role": "read",
        "author": "read token",
        "csrf": "",
    }
    assert reason(front.send("GET", "/session"))[0] == 401


def test_a_session_is_described_while_the_object_is_away() -> None:
    """Only the object knows that it was ended; until it says so, the cookie counts."""
    front = Front()
    mine = front.log_in()
    front.object.error = RuntimeError()

    assert result(front.send("GET", "/session", mine))["role"] == "admin"


@pytest.mark.parametrize("failure", [RuntimeError(), Answer(status=500, body="{}")])
def test_a_session_that_may_go_on_is_said_to(failure: Exception | Answer) -> None:
    """The page loses its cookie and hears that the session was perhaps not ended."""
    front = Front()
    page = front.page()
    if isinstance(failure, Answer):
        front.object.replies = [failure.to_json()]
    else:
        front.object.error = failure

    answer = front.send("DELETE", "/session", page)

    assert answer.status == (500 if isinstance(failure, Answer) else 503)
    assert "Max-Age=0" in header(answer, "Set-Cookie")
    assert changes(front)[-1].status == answer.status


@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_session_that_the_object_does_not_know_has_ended(status: int) -> None:
    """Ended already, or of an object that keeps none: there is nothing left to end."""
    front = Front()
    page = front.page()
    front.object.replies = [Answer(status=status, body="{}").to_json()]

    assert front.send("DELETE", "/session", page).status == 204


def test_without_an_object_a_session_ends_in_its_browser() -> None:
    """Nothing can keep that it was ended."""
    front = Front(bound=False)

    assert front.send("DELETE", "/session", front.page()).status == 204


def test_without_a_session_there_is_nothing_to_end() -> None:
    """204, and nothing is logged; a token ends none either."""
    front = Front()

    ended = front.send("DELETE", "/session", SAME_PAGE)
    assert (ended.status, "Max-Age=0" in header(ended, "Set-Cookie")) == (204, True)
    assert front.logged == []
    assert front.send("DELETE", "/session", bearer()).status == 204
    assert front.object.calls == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_session_takes_three_methods(method: str) -> None:
    """405 with those that there are."""
    answer = Front().send(method, "/session", bearer())

    assert reason(answer) == (405, 10405, "send one of GET, HEAD, POST, DELETE")
    assert header(answer, "Allow") == "GET, HEAD, POST, DELETE"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({**JSON, "Origin": "https://evil.test"}, json.dumps({"token": TOKEN}), 403),
        ({**JSON, "Sec-Fetch-Site": "cross-site"}, json.dumps({"token": TOKEN}), 403),
        ({"Content-Type": "text/plain"}, json.dumps({"token": TOKEN}), 415),
        ({"Content-Length": "4097"}, "{}", 413),
        ({}, BodyProblem.TOO_SLOW, 408),
        (JSON, "[", 400),
        (JSON, '{"token": "wrong"}', 401),
        ({}, None, 401),
    ],
)
def test_a_login_that_fails_sets_no_cookie(
    headers: dict[str, str], body: str | BodyProblem | None, status: int
) -> None:
    """And is no change; only a wrong token counts as an attempt."""
    front = Front()

    answer = front.send("POST", "/session", headers, body)

    assert reason(answer)[0] == status
    assert header(answer, "Set-Cookie") == ""
    assert changes(front) == []
    wrong = isinstance(body, str) and "wrong" in body
    assert [event.cause for event in denials(front)] == (["wrong token"] if wrong else [])


def test_a_login_is_read_up_to_a_small_size() -> None:
    """Anybody may send one."""
    front, body = Front(), SentBody(json.dumps({"token": TOKEN}))

    front.send("POST", "/session", JSON, body)

    assert body.reads == [(4096, BODY_SECONDS)]


def test_a_change_by_a_session_needs_its_own_page() -> None:
    """Denials are logged with their causes; what is read needs no CSRF token."""
    front = Front()
    page = front.page()

    for missing, cause in (
        ({"X-CSRF-Token": ""}, "no or wrong CSRF token"),
        ({"Origin": "https://evil.test"}, "cross-site request"),
        ({"Sec-Fetch-Site": "same-site"}, "cross-site request"),
    ):
        front.office.now += LOG_EVERY
        for method, path in (("POST", "/adopt"), ("DELETE", "/session")):
            assert reason(front.send(method, path, {**page, **missing}))[:2] == (403, 10001)
        assert denials(front)[-1].cause == cause
        assert front.send("GET", "/versions", {**page, **missing}).status == 200
    assert front.send("POST", "/adopt", page).status == 200


def test_sessions_have_ids_of_their_own() -> None:
    """The id reaches the object with each call."""
    front = Front()

    for _ in range(2):
        front.send("GET", "/versions", front.log_in())

    assert [call["session"] for call in front.object.calls] == ["session-1", "session-2"]


# Pages of other origins


def test_a_configured_page_may_ask_and_read() -> None:
    """A preflight needs no credentials; errors can be read, too."""
    front = Front(admin=Admin(cors_origins=(PAGE,)))
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}

    permitted = front.send("OPTIONS", "/apply", asked)
    assert (permitted.status, permitted.body) == (204, "")
    assert header(permitted, "Access-Control-Allow-Origin") == PAGE
    assert "PUT" in header(permitted, "Access-Control-Allow-Methods")
    assert header(permitted, "Content-Type") == ""
    for headers, status in ((bearer(), 200), ({}, 401)):
        answer = front.send("GET", "/versions", {"Origin": PAGE, **headers})
        assert (answer.status, header(answer, "Access-Control-Allow-Origin")) == (status, PAGE)
        assert header(answer, "Cross-Origin-Resource-Policy") == "cross-origin"


@pytest.mark.parametrize("origin", ["https://evil.test", PAGE + ".evil.test", "null", "*"])
def test_another_page_is_permitted_nothing(origin: str) -> None:
    """405, as if there were no OPTIONS."""
    front = Front(admin=Admin(cors_origins=(PAGE,)))
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}

    for answer in (
        front.send("OPTIONS", "/apply", asked),
        front.send("GET", "/versions", {**bearer(), "Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if "Access-Control" in name]
    assert reason(front.send("OPTIONS", "/apply", asked))[:2] == (405, 10405)


# Cloudflare Access


def said(front: Front, **changed: Any) -> dict[str, Any]:
    """Return the claims of a user at this moment; None leaves one out."""
    now = int(front.office.now)
    return claims(TEAM, **{"exp": now + 600, "iat": now, "nbf": now, **changed})


def asserted(token: str) -> dict[str, str]:
    """Return the header of a JWT."""
    return {HEADER: token}


def test_whom_access_identifies_needs_no_token() -> None:
    """By the header or the cookie; the keys are fetched once."""
    front = with_access(writers=("ann@example.com",), readers=("bob@example.com",))
    good = jwt(said(front))

    assert result(front.send("GET", "/session", asserted(good)))["author"] == "ann@example.com"
    cookie = {"Cookie": f"CF_Authorization={good}"}
    assert result(front.send("GET", "/session", cookie))["role"] == "admin"
    reader = asserted(jwt(said(front, email="bob@example.com")))
    assert result(front.send("GET", "/session", reader))["role"] == "read"
    stranger = asserted(jwt(said(front, email="eve@example.com")))
    assert reason(front.send("GET", "/session", stranger)) == (
        403,
        10001,
        "[admin] access does not name eve@example.com",
    )
    assert front.team.fetched == [(f"{TEAM}/cdn-cgi/access/certs", 100_000, 5.0)]


def test_a_bad_jwt_is_refused_beside_a_good_token() -> None:
    """403 with the reason; the log counts it as an attempt."""
    front = with_access()

    for forged, words in (
        ("a.b", "it is not a JWT"),
        (jwt(said(front, exp=front.office.now - 120)), "it has expired"),
        (jwt(said(front), key="another"), "its signature is wrong"),
        (hmac_jwt(said(front)), "it is not signed with RS256"),
        (jwt(said(front), kid="k2"), "its key is not known"),
    ):
        front.office.now += LOG_EVERY
        answer = front.send("GET", "/versions", {**bearer(), **asserted(forged)})
        assert reason(answer) == (403, 10001, f"the JWT of Access: {words}")
        assert denials(front)[-1].cause == "bad Access JWT"


def test_a_jwt_with_bad_claims_fetches_no_keys() -> None:
    """The signature is the last thing to check."""
    front = with_access()

    front.send("GET", "/versions", asserted(jwt(said(front, aud="another"))))

    assert front.team.fetched == []


@pytest.mark.parametrize("answer", [None, "", "{}", "[" * 1000])
def test_without_keys_nobody_is_known_and_the_token_works(answer: str | None) -> None:
    """503 with what to do; the team is asked five times in a minute."""
    front = with_access()
    front.team.answer = answer
    mine = asserted(jwt(said(front)))

    for _ in range(8):
        found = front.send("GET", "/session", mine)
        assert reason(found) == (
            503,
            1000,
            "the keys of Access cannot be fetched: try again, or use a token",
        )
        assert header(found, "Retry-After") == "60"
    assert len(front.team.fetched) == 5
    assert result(front.send("GET", "/session", {**mine, **bearer()}))["role"] == "admin"
    assert denials(front) == []


def test_a_new_key_is_fetched_when_a_minute_is_over() -> None:
    """Made-up ids cost the team one fetch a minute."""
    front = with_access()
    first, second = (asserted(jwt(said(front), kid=kid)) for kid in ("k1", "k2"))
    assert front.send("GET", "/session", first).status == 200
    front.team.answer = certs("k1", "k2").decode()

    assert reason(front.send("GET", "/session", second))[0] == 403
    assert len(front.team.fetched) == 1
    front.office.now += 60
    assert front.send("GET", "/session", second).status == 200
    assert len(front.team.fetched) == 2


def test_access_begins_a_session_that_ends_with_its_jwt() -> None:
    """Without a token, but from the own page and with the CSRF token."""
    front = with_access()
    mine = asserted(jwt(said(front, exp=int(front.office.now) + 100)))
    csrf = {"X-CSRF-Token": result(front.send("GET", "/session", mine))["csrf"]}

    assert reason(front.send("POST", "/session", {**mine, **SAME_PAGE}))[0] == 403
    begun = front.send("POST", "/session", {**mine, **SAME_PAGE, **csrf})
    assert begun.status == 204
    cookie = {"Cookie": header(begun, "Set-Cookie").partition(";")[0]}
    assert result(front.send("GET", "/session", cookie))["author"] == "ann@example.com"
    front.office.now += 100
    assert reason(front.send("GET", "/session", cookie))[0] == 401


def test_without_access_configured_its_jwts_mean_nothing() -> None:
    """Neither good nor bad."""
    front = Front()

    assert front.send("GET", "/versions", {**bearer(), **asserted("a.b")}).status == 200
    assert reason(front.send("GET", "/versions", asserted(jwt(said(front)))))[0] == 401
