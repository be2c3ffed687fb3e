"""Lets operators in, and nobody else: from a request, and what Access says of it, to who it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING

from lb.admin.calls import Refusal, refused
from lb.admin.who.cloudflare_access import BadJwt, NoKeys, Vouched
from lb.admin.who.cors import SAFE, cross_site
from lb.admin.who.people import BY_BROWSER, Means, Role, Who, author_of, client_of
from lb.admin.who.sessions import LASTS, Session, Sessions, csrf_fits
from lb.admin.who.throttle import Throttle

if TYPE_CHECKING:
    from lb.admin.who.cloudflare_access import Assertion
    from lb.admin.who.tokens import Tokens
    from lb.request.facts import RequestFacts

NOT_KNOWN = 10000
"""Cloudflare's code of an authentication error."""
NOT_ALLOWED = 10001
BAD_REQUEST = 1000

CHALLENGE = (("WWW-Authenticate", 'Bearer realm="evenkeel"'),)
"""RFC 9110, 11.6.1: every 401 says how it could be otherwise."""

_NO_KEYS = refused(
    503,
    BAD_REQUEST,
    "the keys of Access cannot be fetched: try again, or use a token",
    headers=(("Retry-After", "60"),),
)

_NAMES = {Role.ADMIN: "admin token", Role.READ: "read token"}


class Fault(Enum):
    """Why somebody was not let in, as the log says it."""

    WRONG_TOKEN = "wrong token"  # noqa: S105 (no token)
    BAD_JWT = "bad Access JWT"
    CROSS_SITE = "cross-site request"
    NO_CSRF_TOKEN = "no or wrong CSRF token"  # noqa: S105 (no token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A request that goes no further."""

    refusal: Refusal
    fault: Fault | None = None
    """None where somebody merely has not logged in."""
    failures: int = 0
    """How many to tell the log of."""


class Gate:
    """What one isolate knows of those who want in."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._sessions = Sessions(tokens.key)
        self._throttle = Throttle()

    def identify(
        self, facts: RequestFacts, assertion: Assertion | None, now: float
    ) -> Who | Denied | None:
        """Return who sends a request; None when it does not say.

        A token comes first, as it is the only thing of these that nobody adds unknowingly. Who has
        a bad one is refused, whatever else they have, and so is a bad JWT.
        """
        if isinstance(assertion, BadJwt):
            refusal = refused(403, NOT_ALLOWED, f"the JWT of Access: {assertion.reason}")
            return self._failed(facts, now, Fault.BAD_JWT, refusal)
        token = token_in(facts)
        if token is not None:
            return self.by_token(facts, token, now)
        who = self._sessions.who(facts.header("cookie"), now)
        return who if who is not None or assertion is None else self._by_access(assertion)

    def _by_access(self, assertion: Vouched | NoKeys) -> Who | Denied:
        if isinstance(assertion, NoKeys):
            return Denied(refusal=_NO_KEYS)
        role, author = assertion.role, assertion.author
        if role is None:
            return Denied(
                refusal=refused(403, NOT_ALLOWED, f"[admin] access does not name {author}")
            )
        csrf = self._sessions.csrf_of(f"{role.value} {author}")
        return Who(role=role, means=Means.ACCESS, author=author, csrf=csrf, until=assertion.until)

    def by_token(self, facts: RequestFacts, token: str, now: float) -> Who | Denied:
        """Return who has this token."""
        role = self._tokens.role_of(token)
        if role is None:
            wrong = refused(401, NOT_KNOWN, "Authentication error", headers=CHALLENGE)
            return self._failed(facts, now, Fault.WRONG_TOKEN, wrong)
        author = author_of(_NAMES[role], facts.header("x-auth-email"))
        return Who(role=role, means=Means.TOKEN, author=author)

    def admit(self, facts: RequestFacts, known: Who | Denied | None, now: float) -> Who | Denied:
        """Return who may do what a request asks for, or why nobody may."""
        who = self.authentic(facts, known, now)
        if isinstance(who, Denied) or facts.method in SAFE or who.may_write:
            return who
        return Denied(refusal=refused(403, NOT_KNOWN, f"{who.author} may only read"))

    def authentic(
        self, facts: RequestFacts, known: Who | Denied | None, now: float
    ) -> Who | Denied:
        """Return who it is whose wish a request is, or why it may be nobody's."""
        if known is None:
            message = "Authentication error: no token, and no session that is good"
            return Denied(refusal=refused(401, NOT_KNOWN, message, headers=CHALLENGE))
        if isinstance(known, Denied) or facts.method in SAFE or known.means not in BY_BROWSER:
            return known
        return self.same_page(facts, known, now) or known

    def same_page(self, facts: RequestFacts, who: Who, now: float) -> Denied | None:
        """Return why a change by a browser may not be its user's wish; None when it is."""
        problem = cross_site(facts)
        if problem is not None:
            refusal = refused(403, NOT_ALLOWED, problem)
            return self._failed(facts, now, Fault.CROSS_SITE, refusal)
        if not csrf_fits(who, facts.header("x-csrf-token")):
            refusal = refused(403, NOT_ALLOWED, "the header X-CSRF-Token is missing, or is old")
            return self._failed(facts, now, Fault.NO_CSRF_TOKEN, refusal)
        return None

    def session(self, who: Who, now: float, unique: str) -> str:
        """Return a new session's cookie value; it ends no later than what it was made of."""
        until = min(now + LASTS, who.until) if who.until else now + LASTS
        return self._sessions.value(
            Session(role=who.role, author=who.author, until=int(until), id=unique)
        )

    def _failed(self, facts: RequestFacts, now: float, fault: Fault, refusal: Refusal) -> Denied:
        client = client_of(facts.client_ip)
        wait = self._throttle.wait(client, now)
        failures = self._throttle.failed(client, now)
        if wait:
            seconds = ceil(wait)
            refusal = refused(
                429,
                NOT_KNOWN,
                f"too many failed attempts: try again in {seconds} s",
                headers=(("Retry-After", str(seconds)),),
            )
        return Denied(refusal=refusal, fault=fault, failures=failures)


def token_in(facts: RequestFacts) -> str | None:
    """Return the token that a request shows; None when it shows none.

    https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/: Authorization, or the
    older X-Auth-Key and X-Auth-User-Service-Key. The scheme of Authorization is without case
    (RFC 9110, 11.1); of another scheme, it is for somebody else.
    """
    scheme, _, token = facts.header("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return facts.header("x-auth-key") or facts.header("x-auth-user-service-key") or None
