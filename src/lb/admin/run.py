"""Drives the admin side of an isolate: who sends a request, and what the object answers to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from lb.admin.auth.audience import SESSION_PATH, Audience, audience_of, below
from lb.admin.auth.client_address import logged_network
from lb.admin.auth.cloudflare_access import BadJwt, NoKeys, Unverified, unverified
from lb.admin.auth.cors import allowed_origin, preflight
from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.key_ring import (
    CERTS,
    FETCH_SECONDS,
    LARGEST_ANSWER,
    KeyRing,
    keys_in,
)
from lb.admin.auth.logins import LARGEST_LOGIN, description, login, logout, with_cookie
from lb.admin.auth.tokens import ADMIN_TOKEN, READ_TOKEN, Closed, tokens_of
from lb.admin.calls import METHODS, SAFE, Answer, Call, Refusal, enveloped, refused
from lb.admin.codes import Code
from lb.admin.refusals import BROKEN, wrong_method
from lb.admin.request_body import BODY_SECONDS, LARGEST_BODY, announced_problem, body_refusal
from lb.admin.responses import NO_CONTENT, response
from lb.log_events import AdminChange, AdminDenied, Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.admin.auth.cloudflare_access import Assertion
    from lb.admin.auth.signed_in import Operator
    from lb.admin.pages.own_pages import OwnPages
    from lb.admin.ports import Body, Ports
    from lb.admin.responses import Response
    from lb.model import Access, Admin
    from lb.request.facts import RequestFacts

    Sender = Operator | Denial | None

OBJECT_SECONDS = 20.0
"""Timeout of the object's answer."""

FOLLOW_SECONDS = 5.0
"""Longest wait until this isolate serves a change; after it the answer goes out anyway."""

LONGEST_LOGGED_PATH = 200

_NOT_ENDED = frozenset({500, 503})
"""Statuses of the object's answer after which a session may not have been ended."""
_UNAUTHORIZED = 401
_CLOSED = refused(
    503, Code.GENERAL, "the admin side is closed until its tokens are mended: see the Worker's log"
)
_NO_OBJECT = refused(
    501, Code.GENERAL, "bind LB_STATE in wrangler.toml: the admin side is kept in it"
)
_NO_ANSWER = refused(
    503,
    Code.GENERAL,
    "the Durable Object does not answer: look whether a change was made before trying it again",
    headers=(("Retry-After", "5"),),
)


def admin_side(
    admin: Admin, variables: Mapping[str, object], ports: Ports, pages: OwnPages
) -> AdminSide | None:
    """Return the admin side; None without a token, as if there were no such thing."""
    tokens = tokens_of(
        str(variables.get(ADMIN_TOKEN) or ""), str(variables.get(READ_TOKEN) or ""), str(admin)
    )
    if tokens is None:
        return None
    if isinstance(tokens, Closed):
        for problem in tokens.problems:
            ports.log(Trouble(message=f"the admin side stays closed: {problem}"))
        return AdminSide(admin, None, ports, pages)
    return AdminSide(admin, Gate(tokens), ports, pages)


class AdminSide:
    """Authenticates operators and passes their calls to the Durable Object, which decides.

    Plain data between requests.
    """

    def __init__(self, admin: Admin, gate: Gate | None, ports: Ports, pages: OwnPages) -> None:
        """Without a gate every request is refused: a token in it must not reach an origin."""
        self._path = admin.path
        self._origins = admin.cors_origins
        self._access = AccessCheck(admin.access, ports) if admin.access is not None else None
        self._gate = gate
        self._ports = ports
        self._pages = pages

    def claims(self, facts: RequestFacts) -> bool:
        """Whether a request is for the admin side; it never reaches an origin then."""
        return facts.target.startswith(self._path) and below(facts.path, self._path) is not None

    async def answer(self, facts: RequestFacts, body: Body | None) -> Response:
        """Return the response to a request, whatever goes wrong; `body` is None without one."""
        if facts.method == "OPTIONS":
            permitted = preflight(facts, self._origins)
            answer = Answer(status=NO_CONTENT) if permitted else _other_method(*METHODS)
            return response(answer, permitted or (), facts.method)
        try:
            answer = await self._answer(facts, body)
        except Exception as error:  # noqa: BLE001 (uncaught, it would be the runtime's bare 500)
            self._ports.log(trouble("an admin request failed", error))
            answer = enveloped(BROKEN)
        return response(answer, allowed_origin(facts, self._origins), facts.method)

    async def _answer(self, facts: RequestFacts, body: Body | None) -> Answer:
        path = below(facts.path, self._path) or "/"
        gate, clock = self._gate, self._ports.clock
        if facts.method not in METHODS:
            return _other_method(*METHODS)
        if gate is None:
            return enveloped(_CLOSED)
        audience = audience_of(facts.method, path)
        if audience is Audience.ANYBODY:
            return self._pages.answer(path)
        assertion = await self._access.assertion(facts) if self._access is not None else None
        sender = gate.authenticate(facts, assertion, clock())
        if audience is Audience.SIGNING_IN:
            return await self._session(facts, body, gate, sender)
        operator = gate.authorize(facts, sender, clock())
        if isinstance(operator, Denial):
            return self._denied(facts, operator)
        answer = await self._pass_on(facts, body, path, operator)
        if facts.method not in SAFE:
            self._log_change(facts, path, operator, answer)
        return answer

    async def _pass_on(
        self, facts: RequestFacts, body: Body | None, path: str, operator: Operator
    ) -> Answer:
        """Return the object's answer to an operator's request."""
        text = await _text_of(facts, body, LARGEST_BODY)
        if isinstance(text, Refusal):
            return enveloped(text)
        call = Call(
            method=facts.method,
            path=path,
            query=facts.query,
            body=text,
            author=operator.author,
            may_write=operator.may_write,
            session=operator.session,
            if_match=facts.header("if-match"),
        )
        return await self._ask(call)

    async def _ask(self, call: Call) -> Answer:
        """Return the object's answer, once this isolate serves what the call has changed."""
        ports = self._ports
        if ports.state_object is None:
            return enveloped(_NO_OBJECT)
        try:
            asking = ports.state_object.admin(call.to_json())
            answer = Answer.from_json(await asyncio.wait_for(asking, OBJECT_SECONDS))
        except Exception as error:  # noqa: BLE001 (the operator gets a 503)
            ports.log(trouble("the state object cannot be reached", error))
            return enveloped(_NO_ANSWER)
        try:
            await asyncio.wait_for(ports.follow(answer.version), FOLLOW_SECONDS)
        except Exception as error:  # noqa: BLE001 (the change is made; this isolate follows later)
            ports.log(trouble("this isolate does not know yet what was changed", error))
        return answer

    async def _session(
        self, facts: RequestFacts, body: Body | None, gate: Gate, sender: Sender
    ) -> Answer:
        """Describe, begin or end the status page's session (lb.admin.auth.logins)."""
        if facts.method in SAFE:
            return await self._describe(facts, gate.confirmed(facts, sender, self._ports.clock()))
        if facts.method == "POST":
            return await self._begin(facts, body, gate, sender)
        if facts.method == "DELETE":
            return await self._end(facts, gate, sender)
        return _other_method("GET", "HEAD", "POST", "DELETE")

    async def _describe(self, facts: RequestFacts, operator: Operator | Denial) -> Answer:
        if isinstance(operator, Denial):
            return self._denied(facts, operator)
        if operator.session:
            call = Call(method="GET", path=SESSION_PATH, session=operator.session)
            known = await self._ask(call)
            if known.status == _UNAUTHORIZED:
                return known
        return description(operator)

    async def _begin(
        self, facts: RequestFacts, body: Body | None, gate: Gate, sender: Sender
    ) -> Answer:
        text = await _text_of(facts, body, LARGEST_LOGIN)
        now = self._ports.clock()
        operator = login(gate, facts, sender, text, now)
        if isinstance(operator, Denial):
            return self._denied(facts, operator)
        value = gate.new_session(operator, now, self._ports.session_id())
        answer = with_cookie(facts, value, self._path)
        self._log_change(facts, SESSION_PATH, operator, answer)
        return answer

    async def _end(self, facts: RequestFacts, gate: Gate, sender: Sender) -> Answer:
        operator = logout(gate, facts, sender, self._ports.clock())
        if isinstance(operator, Denial):
            return self._denied(facts, operator)
        answer = with_cookie(facts, "", self._path)
        if operator is None:
            return answer
        if operator.session:
            # Otherwise a copy of the cookie would be valid until the session expires.
            call = Call(
                method="DELETE", path=SESSION_PATH, session=operator.session, may_write=True
            )
            ended = await self._ask(call)
            if ended.status in _NOT_ENDED:
                answer = replace(ended, headers=(*ended.headers, *answer.headers))
        self._log_change(facts, SESSION_PATH, operator, answer)
        return answer

    def _denied(self, facts: RequestFacts, denial: Denial) -> Answer:
        if denial.cause is not None and denial.failures:
            self._ports.log(
                AdminDenied(
                    cause=denial.cause.value,
                    failures=denial.failures,
                    client=logged_network(facts.client_ip),
                )
            )
        return enveloped(denial.refusal)

    def _log_change(
        self, facts: RequestFacts, path: str, operator: Operator, answer: Answer
    ) -> None:
        self._ports.log(
            AdminChange(
                author=operator.author,
                means=operator.sign_in.value,
                method=facts.method,
                path=path[:LONGEST_LOGGED_PATH],
                status=answer.status,
                version=answer.version,
                client=logged_network(facts.client_ip),
            )
        )


class AccessCheck:
    """Checks the JWTs of Cloudflare Access; requests share keys and no coroutine."""

    def __init__(self, access: Access, ports: Ports) -> None:
        self._access = access
        self._team = ports.access_team
        self._clock = ports.clock
        self._ring = KeyRing()

    async def assertion(self, facts: RequestFacts) -> Assertion | None:
        """Return the user whom Access identifies, or what is wrong; None without a JWT."""
        found = unverified(facts, self._access, self._clock())
        if not isinstance(found, Unverified):
            return found
        jwt, ring = found.jwt, self._ring
        if ring.should_fetch(jwt.kid, self._clock()):
            ring.fetching(self._clock())
            url = self._access.team + CERTS
            text = await self._team.fetch_keys(url, LARGEST_ANSWER, FETCH_SECONDS)
            ring.take(keys_in(text or ""), self._clock())
        key = ring.key(jwt.kid)
        if isinstance(key, BadJwt | NoKeys):
            return key
        if await self._team.verify(key, jwt.signed, jwt.signature):
            return found.identity
        return BadJwt("its signature is wrong")


async def _text_of(facts: RequestFacts, body: Body | None, largest: int) -> str | Refusal:
    """Return the body of a request, "" without one, or why it is refused."""
    if body is None:
        return ""
    problem = announced_problem(facts, largest)
    found = await body.read(largest, BODY_SECONDS) if problem is None else problem
    return found if isinstance(found, str) else body_refusal(found, largest, BODY_SECONDS)


def _other_method(*methods: str) -> Answer:
    return enveloped(wrong_method(f"send one of {', '.join(methods)}", *methods))
