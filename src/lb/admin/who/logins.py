"""The status page's session: how it begins, what it says, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import Answer, Refusal, Result, enveloped, refused
from lb.admin.who.cors import cross_site, secure_cookie
from lb.admin.who.gate import BAD_REQUEST, NOT_ALLOWED, Denied, Gate
from lb.admin.who.people import Means, Who
from lb.admin.who.sessions import cookie
from lb.base.bounded_json import Unreadable, bounded_json

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

LARGEST_BODY = 4096
"""Bytes; anybody may send one."""

SHAPE = 'send {"token": "..."} as application/json'


def told(who: Who) -> Answer:
    """Answer a GET: {"role": "admin" | "read", "author", "csrf"}; csrf is empty for a token."""
    said = {"role": who.role.value, "author": who.author, "csrf": who.csrf}
    return enveloped(Result(result=said))


def logged_in(
    gate: Gate, facts: RequestFacts, known: Who | Denied | None, body: str | Refusal, now: float
) -> Who | Denied:
    """Return whose session a POST begins: whoever shows a token, in the body or in a header.

    Somebody whom Access knows needs none. A page of another site may log nobody in: what its victim
    does then would be done in its name.
    """
    return _foreign(facts) or _whose(gate, facts, known, body, now)


def logged_out(
    gate: Gate, facts: RequestFacts, known: Who | Denied | None, now: float
) -> Who | Denied | None:
    """Return whose session a DELETE ends; None where there is none, and nothing to lose."""
    denied = _foreign(facts)
    if denied is not None:
        return denied
    return gate.authentic(facts, known, now) if isinstance(known, Who) else None


def with_cookie(facts: RequestFacts, value: str, path: str) -> Answer:
    """Answer with a session's cookie; an empty one takes it back."""
    line = cookie(value, path, secure=secure_cookie(facts))
    return Answer(status=204, headers=(("Set-Cookie", line),))


def _whose(
    gate: Gate, facts: RequestFacts, known: Who | Denied | None, body: str | Refusal, now: float
) -> Who | Denied:
    if isinstance(body, Refusal):
        return Denied(refusal=body)
    token = _token_in(facts, body)
    if isinstance(token, Refusal):
        return Denied(refusal=token)
    if token:
        return known if isinstance(known, Denied) else gate.by_token(facts, token, now)
    if isinstance(known, Who) and known.means is Means.SESSION:
        # Or a session could be drawn out for ever.
        return Denied(refusal=refused(400, BAD_REQUEST, SHAPE))
    return gate.authentic(facts, known, now)


def _token_in(facts: RequestFacts, body: str) -> str | Refusal:
    """Return the token in a body, "" when there is none, or what is wrong with the body."""
    if not body:
        return ""
    kind = facts.header("content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        return refused(415, BAD_REQUEST, SHAPE)
    found = bounded_json(body)
    if isinstance(found, Unreadable):
        return refused(400, BAD_REQUEST, found.message)
    token = found.get("token", "") if isinstance(found, dict) else None
    return token if isinstance(token, str) else refused(400, BAD_REQUEST, SHAPE)


def _foreign(facts: RequestFacts) -> Denied | None:
    problem = cross_site(facts, must_say=False)
    if problem is None:
        return None
    return Denied(refusal=refused(403, NOT_ALLOWED, problem))
