"""Requests and responses of the admin side, and its way to the Durable Object."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import jsnull

from lb.admin.pages.own_pages import OwnPages
from lb.admin.ports import Ports
from lb.admin.run import admin_side
from lb.worker.admin.access_team import FetchedTeam
from lb.worker.admin.read_body import StreamedBody
from lb.worker.request.bindings import MAIN
from lb.worker.runtime import clock, js_object, log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.admin.pages.own_pages import View
    from lb.admin.ports import Follow
    from lb.admin.run import AdminSide
    from lb.model import Admin
    from lb.request.facts import RequestFacts


class ServedAdminSide:
    """The admin side behind the runtime's requests and responses."""

    def __init__(self, side: AdminSide) -> None:
        self._side = side
        self.claims = side.claims

    async def answer(self, request: Any, facts: RequestFacts) -> Any:
        """Return the response to an operator."""
        body = None if request.body is jsnull else StreamedBody(request.body)
        response = await self._side.answer(facts, body)
        headers = js.Headers.new()
        for name, value in response.headers:
            headers.set(name, value)
        options = js_object(status=response.status, headers=headers)
        return js.Response.new(response.body or None, options)


class BoundStateObject:
    """The StateObject port over LB_STATE."""

    def __init__(self, env: Any) -> None:
        self._env = env

    async def admin(self, text: str) -> str:
        answer: str = await self._env.LB_STATE.getByName(MAIN).admin(text)
        return answer


def served_admin_side(
    admin: Admin, variables: Mapping[str, object], env: Any, follow: Follow, view: View
) -> ServedAdminSide | None:
    """Return the admin side of this isolate; None without a token."""
    ports = Ports(
        state_object=BoundStateObject(env) if getattr(env, "LB_STATE", None) else None,
        access_team=FetchedTeam(),
        follow=follow,
        session_id=lambda: token_urlsafe(12),
        clock=clock,
        log=log,
    )
    side = admin_side(admin, variables, ports, OwnPages(admin, view, clock))
    return None if side is None else ServedAdminSide(side)
