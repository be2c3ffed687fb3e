"""Requests below the admin path: who sends them, and what the Durable Object says to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import js

from lb.admin.calls import Answer, Call, Refusal, enveloped, refused
from lb.admin.who.audience import SESSION_PATH, Audience, audience_of, below
from lb.admin.who.cors import METHODS, SAFE, allowed_origin, headers_of, preflight
from lb.admin.who.gate import Denied, Gate
from lb.admin.who.logins import LARGEST_BODY, logged_in, logged_out, told, with_cookie
from lb.admin.who.people import Who, place_of
from lb.admin.who.tokens import ADMIN_TOKEN, READ_TOKEN, Closed, tokens_of
from lb.log_events import AdminChange, AdminDenied, Trouble, trouble
from lb.worker.admin.access_keys import AccessKeys
from lb.worker.admin.read_body import text_of
from lb.worker.request.bindings import MAIN
from lb.worker.runtime import clock, js_object, log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lb.admin.who.cors import Headers
    from lb.model import Admin
    from lb.request.facts import RequestFacts
    from lb.worker.admin.page_files import PageFiles

    Told = Callable[[int], Awaitable[None]]

LONGEST_PATH_TOLD = 200
NO_CONTENT = 204

OBJECT_SECONDS = 20.0
"""That the Durable Object has for an answer."""

TOLD_SECONDS = 5.0
"""That this isolate has to serve what was changed, before its answer goes out without that."""

_NOT_ENDED = {500, 503}
_NOT_KNOWN = 401
_FAULT = 1000
_CLOSED = refused(
    503, _FAULT, "the admin side is closed until its tokens are mended: see the Worker's log"
)
_NO_OBJECT = refused(501, _FAULT, "bind LB_STATE in wrangler.toml: the admin side is kept in it")
_NO_ANSWER = refused(
    503,
    _FAULT,
    "the Durable Object does not answer: look whether a change was made before trying it again",
    headers=(("Retry-After", "5"),),
)
_BROKEN = refused(500, _FAULT, "a fault of the load balancer itself: see the Worker's log")


class AdminSide:
    """One isolate's way to the admin side. The Durable Object decides, this asks it."""

    def __init__(
        self, admin: Admin, gate: Gate | None, env: Any, told: Told, shells: PageFiles
    ) -> None:
        """`told` is given the configuration's version that an answer speaks of.

        Without a gate, everybody is turned away: the path is the operator's all the same, and a
        token sent to it must not reach an origin.
        """
        self._path = admin.path
        self._origins = admin.cors_origins
        self._gate = gate
        self._access = AccessKeys(admin.access) if admin.access is not None else None
        self._env = env
        self._told = told
        self._pages = {"/": shells.panel, "/public": shells.public}

    def claims(self, facts: RequestFacts) -> bool:
        """Whether a request is for the admin side; such a one never reaches an origin."""
        return facts.target.startswith(self._path) and below(facts.path, self._path) is not None

    async def answer(self, request: Any, facts: RequestFacts) -> Any:
        """Return the response to an operator."""
        if facts.method == "OPTIONS":
            permitted = preflight(facts, self._origins)
            answer = Answer(status=NO_CONTENT) if permitted else _not_a_method()
            return _response(answer, permitted or (), facts.method)
        try:
            answer = await self._answer(request, facts)
        except Exception as error:  # noqa: BLE001 (anything uncaught would be the runtime's 500)
            log(trouble("an admin request failed", error))
            answer = enveloped(_BROKEN)
        return _response(answer, allowed_origin(facts, self._origins), facts.method)

    async def _answer(self, request: Any, facts: RequestFacts) -> Answer:
        path = below(facts.path, self._path) or "/"
        if facts.method not in METHODS:
            return _not_a_method()
        if self._gate is None:
            return enveloped(_CLOSED)
        audience = audience_of(facts.method, path)
        if audience is Audience.ANYBODY:
            return self._pages[path]()
        assertion = await self._access.assertion(facts) if self._access is not None else None
        known = self._gate.identify(facts, assertion, clock())
        if audience is Audience.WHOEVER_LOGS_IN:
            return await self._session(request, facts, self._gate, known)
        who = self._gate.admit(facts, known, clock())
        return await self._operated(request, facts, path, who)

    async def _operated(
        self, request: Any, facts: RequestFacts, path: str, who: Who | Denied
    ) -> Answer:
        if isinstance(who, Denied):
            return _denied(facts, who)
        answer = await self._carried_out(request, facts, path, who)
        if facts.method not in SAFE:
            _note(facts, path, who, answer)
        return answer

    async def _carried_out(self, request: Any, facts: RequestFacts, path: str, who: Who) -> Answer:
        body = await text_of(request, facts)
        if isinstance(body, Refusal):
            return enveloped(body)
        call = Call(
            method=facts.method,
            path=path,
            query=facts.query,
            body=body,
            author=who.author,
            may_write=who.may_write,
            session=who.session,
            if_match=facts.header("if-match"),
        )
        return await self._asked(call)

    async def _asked(self, call: Call) -> Answer:
        """Ask the Durable Object."""
        state = getattr(self._env, "LB_STATE", None)
        if not state:
            return enveloped(_NO_OBJECT)
        try:
            asking = state.getByName(MAIN).admin(call.to_json())
            answer = Answer.from_json(await asyncio.wait_for(asking, OBJECT_SECONDS))
        except Exception as error:  # noqa: BLE001 (whatever it is, the operator is told)
            log(trouble("the state object cannot be reached", error))
            return enveloped(_NO_ANSWER)
        try:
            await asyncio.wait_for(self._told(answer.version), TOLD_SECONDS)
        except Exception as error:  # noqa: BLE001 (it is done, and this isolate learns of it later)
            log(trouble("this isolate does not know yet what was changed", error))
        return answer

    async def _session(
        self, request: Any, facts: RequestFacts, gate: Gate, known: Who | Denied | None
    ) -> Answer:
        """Begin, tell of or end the status page's session (lb.admin.logins)."""
        who: Who | Denied | None
        if facts.method in SAFE:
            return await self._told_of(facts, gate.authentic(facts, known, clock()))
        if facts.method == "POST":
            body = await text_of(request, facts, LARGEST_BODY)
            now = clock()
            who = logged_in(gate, facts, known, body, now)
            value = "" if isinstance(who, Denied) else gate.session(who, now, token_urlsafe(12))
        elif facts.method == "DELETE":
            who, value = logged_out(gate, facts, known, clock()), ""
        else:
            return _not_a_method("GET, HEAD, POST, DELETE")
        if isinstance(who, Denied):
            return _denied(facts, who)
        answer = with_cookie(facts, value, self._path)
        if not value and who is not None and who.session:
            # Or a copy of the cookie would be good until its time is over.
            call = Call(method="DELETE", path=SESSION_PATH, session=who.session, may_write=True)
            ended = await self._asked(call)
            if ended.status in _NOT_ENDED:
                answer = replace(ended, headers=(*ended.headers, *answer.headers))
        if who is not None:
            _note(facts, SESSION_PATH, who, answer)
        return answer

    async def _told_of(self, facts: RequestFacts, who: Who | Denied) -> Answer:
        if isinstance(who, Denied):
            return _denied(facts, who)
        if who.session:
            call = Call(method="GET", path=SESSION_PATH, session=who.session)
            known = await self._asked(call)
            if known.status == _NOT_KNOWN:
                return known
        return told(who)


def admin_side(
    admin: Admin, variables: Mapping[str, object], env: Any, told: Told, shells: PageFiles
) -> AdminSide | None:
    """Return the admin side; None without a token, as if there were no such thing."""
    tokens = tokens_of(
        str(variables.get(ADMIN_TOKEN) or ""), str(variables.get(READ_TOKEN) or ""), str(admin)
    )
    if tokens is None:
        return None
    if isinstance(tokens, Closed):
        for problem in tokens.problems:
            log(Trouble(message=f"the admin side stays closed: {problem}"))
        return AdminSide(admin, None, env, told, shells)
    return AdminSide(admin, Gate(tokens), env, told, shells)


def _denied(facts: RequestFacts, denied: Denied) -> Answer:
    if denied.fault is not None and denied.failures:
        log(
            AdminDenied(
                cause=denied.fault.value,
                failures=denied.failures,
                client=place_of(facts.client_ip),
            )
        )
    return enveloped(denied.refusal)


def _note(facts: RequestFacts, path: str, who: Who, answer: Answer) -> None:
    log(
        AdminChange(
            author=who.author,
            means=who.means.value,
            method=facts.method,
            path=path[:LONGEST_PATH_TOLD],
            status=answer.status,
            version=answer.version,
            client=place_of(facts.client_ip),
        )
    )


def _not_a_method(methods: str = ", ".join(METHODS)) -> Answer:
    refusal = refused(405, _FAULT, f"send one of {methods}", headers=(("Allow", methods),))
    return enveloped(refusal)


def _response(answer: Answer, cors: Headers, method: str) -> Any:
    empty = answer.status == NO_CONTENT
    headers = js.Headers.new()
    for name, value in headers_of("" if empty else answer.content_type, answer.headers, cors):
        headers.set(name, value)
    body = None if empty or method == "HEAD" else answer.body
    return js.Response.new(body or None, js_object(status=answer.status, headers=headers))
