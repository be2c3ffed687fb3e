"""The status page's session: login, description and logout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.same_origin import cross_site, secure_cookie
from lb.admin.auth.sessions import cookie
from lb.admin.auth.signed_in import Operator, SignIn
from lb.admin.calls import Answer, Refusal, Result, enveloped, refused
from lb.admin.codes import Code
from lb.admin.responses import NO_CONTENT
from lb.base.bounded_json import Unreadable, bounded_json

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

LARGEST_LOGIN = 4096
"""Bytes of the body of a login, which anybody may send."""

SHAPE = 'send {"token": "..."} as application/json'


def description(operator: Operator) -> Answer:
    """Answer GET: {"role": "admin" | "read", "author", "csrf"}; csrf is empty for a token."""
    result = {"role": operator.role.value, "author": operator.author, "csrf": operator.csrf}
    return enveloped(Result(result=result))


def login(
    gate: Gate,
    facts: RequestFacts,
    sender: Operator | Denial | None,
    body: str | Refusal,
    now: float,
) -> Operator | Denial:
    """Return the operator whose session POST begins: a token's, in the body or in a header.

    Whoever Access identifies needs no token. A page of another site may log nobody in: what its
    visitor does afterwards would be done under its name.
    """
    return _from_elsewhere(facts) or _logging_in(gate, facts, sender, body, now)


def logout(
    gate: Gate, facts: RequestFacts, sender: Operator | Denial | None, now: float
) -> Operator | Denial | None:
    """Return the operator whose session DELETE ends; None without a session."""
    denial = _from_elsewhere(facts)
    if denial is not None:
        return denial
    return gate.confirmed(facts, sender, now) if isinstance(sender, Operator) else None


def with_cookie(facts: RequestFacts, value: str, path: str) -> Answer:
    """Answer with a session's cookie; an empty value removes it."""
    line = cookie(value, path, secure=secure_cookie(facts))
    return Answer(status=NO_CONTENT, headers=(("Set-Cookie", line),))


def _logging_in(
    gate: Gate,
    facts: RequestFacts,
    sender: Operator | Denial | None,
    body: str | Refusal,
    now: float,
) -> Operator | Denial:
    if isinstance(body, Refusal):
        return Denial(refusal=body)
    token = _token_in(facts, body)
    if isinstance(token, Refusal):
        return Denial(refusal=token)
    if token:
        return sender if isinstance(sender, Denial) else gate.by_token(facts, token, now)
    if isinstance(sender, Operator) and sender.sign_in is SignIn.SESSION:
        # Otherwise a session could be extended for ever.
        return Denial(refusal=refused(400, Code.GENERAL, SHAPE))
    return gate.confirmed(facts, sender, now)


def _token_in(facts: RequestFacts, body: str) -> str | Refusal:
    """Return the token in a body, "" without one, or what is wrong with the body."""
    if not body:
        return ""
    content_type = facts.header("content-type").partition(";")[0].strip().lower()
    if content_type != "application/json":
        return refused(415, Code.GENERAL, SHAPE)
    found = bounded_json(body)
    if isinstance(found, Unreadable):
        return refused(400, Code.GENERAL, found.message)
    token = found.get("token", "") if isinstance(found, dict) else None
    return token if isinstance(token, str) else refused(400, Code.GENERAL, SHAPE)


def _from_elsewhere(facts: RequestFacts) -> Denial | None:
    problem = cross_site(facts, must_say=False)
    return None if problem is None else Denial(refusal=refused(403, Code.FORBIDDEN, problem))
