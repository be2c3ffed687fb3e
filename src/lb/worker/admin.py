"""Requests below the admin path: who sends them, and what the Durable Object says to them."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any

import js

from lb.calls import Answer, Call, enveloped, refused
from lb.worker.refresh import MAIN
from lb.worker.runtime import js_object, log, trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lb.facts import RequestFacts
    from lb.model import Admin

    Told = Callable[[int], Awaitable[None]]

SHORTEST_TOKEN = 32


class AdminSide:
    """One isolate's way to the admin side. The Durable Object decides, this asks it."""

    def __init__(self, admin: Admin, token: str, env: Any, told: Told) -> None:
        """`told` is given the configuration's version that an answer speaks of."""
        self._path = admin.path
        self._token = token
        self._env = env
        self._told = told

    def claims(self, facts: RequestFacts) -> bool:
        """Whether a request is for the admin side; such a one never reaches an origin."""
        return facts.target.startswith(self._path) and facts.path[len(self._path) :][:1] in {
            "",
            "/",
        }

    async def answer(self, request: Any, facts: RequestFacts) -> Any:
        """Return the response to an operator."""
        try:
            return _response(await self._answer(request, facts))
        except Exception as error:  # noqa: BLE001 (anything uncaught would be the runtime's 500)
            log(trouble("an admin request failed", error))
            return _response(enveloped(refused(500, 1000, "a fault of the load balancer itself")))

    async def _answer(self, request: Any, facts: RequestFacts) -> Answer:
        given = facts.header("authorization").removeprefix("Bearer ").encode()
        if not compare_digest(given, self._token.encode()):
            return enveloped(refused(401, 10000, "Authentication error"))
        call = Call(
            method=facts.method,
            path=facts.path[len(self._path) :] or "/",
            query=facts.query,
            body=await request.text(),
            author="admin token",
            may_write=True,
            if_match=facts.header("if-match"),
        )
        state = getattr(self._env, "LB_STATE", None)
        if not state:
            return enveloped(refused(501, 1000, "bind LB_STATE: the admin side is kept in it"))
        answer = Answer.from_json(await state.getByName(MAIN).admin(call.to_json()))
        await self._told(answer.version)
        return answer


def admin_side(
    admin: Admin, variables: Mapping[str, object], env: Any, told: Told
) -> AdminSide | None:
    """Return the admin side; None without a token that is long enough."""
    token = str(variables.get("LB_ADMIN_TOKEN") or "")
    return AdminSide(admin, token, env, told) if len(token) >= SHORTEST_TOKEN else None


def _response(answer: Answer) -> Any:
    headers = js.Headers.new()
    for name, value in (
        ("Content-Type", answer.content_type),
        ("Cache-Control", "no-store"),
        *answer.headers,
    ):
        headers.set(name, value)
    options = js_object(status=answer.status, headers=headers)
    return js.Response.new(answer.body or None, options)
