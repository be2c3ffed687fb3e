"""Requests to the admin side, and the operators that its gate identifies."""

from __future__ import annotations

from lb.admin.auth.cloudflare_access import Assertion
from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.sessions import COOKIE
from lb.admin.auth.signed_in import Operator
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.request.facts import RequestFacts

ADMIN = "a" * 40
READ = "r" * 40
NOW = 1_800_000_000.0
URL = "https://lb.example.com/_lb/client/v4"
OWN = {"origin": "https://lb.example.com", "sec-fetch-site": "same-origin"}


def facts(
    method: str = "GET", headers: dict[str, str] | None = None, url: str = URL
) -> RequestFacts:
    """Return a request to the admin side."""
    return RequestFacts(method, url, (headers or {}).get)


def new_gate() -> Gate:
    """Return the gate of a new isolate."""
    tokens = tokens_of(ADMIN, READ)
    assert isinstance(tokens, Tokens)
    return Gate(tokens)


def admitted(
    gate: Gate, request: RequestFacts, assertion: Assertion | None = None, now: float = NOW
) -> Operator | Denial:
    """Return the operator who may do what the request asks for."""
    return gate.authorize(request, gate.authenticate(request, assertion, now), now)


def denied(found: Operator | Denial | None) -> tuple[int, str]:
    """Return the status and the message of a refusal."""
    assert isinstance(found, Denial)
    return found.refusal.status, found.refusal.faults[0].message


def named(found: Operator | Denial | None) -> Operator:
    """Return the authenticated operator."""
    assert isinstance(found, Operator)
    return found


def session_of(gate: Gate, token: str = ADMIN) -> dict[str, str]:
    """Return the headers of a page with a session."""
    who = named(gate.by_token(facts(), token, NOW))
    return {"cookie": f"{COOKIE}={gate.new_session(who, NOW, 'x')}", **OWN}
