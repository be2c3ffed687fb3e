"""Authenticates and authorizes requests to the admin side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING

from lb.admin.auth.client_address import client_of
from lb.admin.auth.cloudflare_access import BadJwt, NoKeys
from lb.admin.auth.same_origin import cross_site
from lb.admin.auth.sessions import LASTS, Session, Sessions, csrf_fits
from lb.admin.auth.signed_in import BY_BROWSER, Operator, Role, SignIn, author_of
from lb.admin.auth.throttle import Throttle
from lb.admin.calls import SAFE, Refusal, refused
from lb.admin.codes import Code

if TYPE_CHECKING:
    from lb.admin.auth.cloudflare_access import AccessIdentity, Assertion
    from lb.admin.auth.tokens import Tokens
    from lb.request.facts import RequestFacts

CHALLENGE = (("WWW-Authenticate", 'Bearer realm="evenkeel"'),)
"""RFC 9110, 11.6.1: a 401 names the expected credentials."""

_NO_KEYS = refused(
    503,
    Code.GENERAL,
    "the keys of Access cannot be fetched: try again, or use a token",
    headers=(("Retry-After", "60"),),
)

_NAMES = {Role.ADMIN: "admin token", Role.READ: "read token"}


class Cause(Enum):
    """Why a request was denied, as the log shows it."""

    WRONG_TOKEN = "wrong token"  # noqa: S105 (no token)
    BAD_JWT = "bad Access JWT"
    CROSS_SITE = "cross-site request"
    NO_CSRF_TOKEN = "no or wrong CSRF token"  # noqa: S105 (no token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Why a request goes no further."""

    refusal: Refusal
    cause: Cause | None = None
    """None for a request without credentials."""
    failures: int = 0
    """Failures to log; 0 = not now."""


class Gate:
    """Tokens, sessions and failed attempts, as one isolate knows them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._sessions = Sessions(tokens.key)
        self._throttle = Throttle()

    def authenticate(
        self, facts: RequestFacts, assertion: Assertion | None, now: float
    ) -> Operator | Denial | None:
        """Return the sender of a request; None for a request without credentials.

        A token comes first: nobody sends one unknowingly. A wrong token or a bad JWT is refused,
        whatever other credentials the request has.
        """
        if isinstance(assertion, BadJwt):
            refusal = refused(403, Code.FORBIDDEN, f"the JWT of Access: {assertion.reason}")
            return self._failed(facts, now, Cause.BAD_JWT, refusal)
        token = token_in(facts)
        if token is not None:
            return self.by_token(facts, token, now)
        operator = self._sessions.operator(facts.header("cookie"), now)
        return operator if operator is not None or assertion is None else self._by_access(assertion)

    def _by_access(self, assertion: AccessIdentity | NoKeys) -> Operator | Denial:
        if isinstance(assertion, NoKeys):
            return Denial(refusal=_NO_KEYS)
        role, author = assertion.role, assertion.author
        if role is None:
            message = f"[admin] access does not name {author}"
            return Denial(refusal=refused(403, Code.FORBIDDEN, message))
        return Operator(
            role=role,
            sign_in=SignIn.ACCESS,
            author=author,
            csrf=self._sessions.csrf_of(f"{role.value} {author}"),
            until=assertion.until,
        )

    def by_token(self, facts: RequestFacts, token: str, now: float) -> Operator | Denial:
        """Return the operator who has this token."""
        role = self._tokens.role_of(token)
        if role is None:
            wrong = refused(401, Code.AUTHENTICATION, "Authentication error", headers=CHALLENGE)
            return self._failed(facts, now, Cause.WRONG_TOKEN, wrong)
        author = author_of(_NAMES[role], facts.header("x-auth-email"))
        return Operator(role=role, sign_in=SignIn.TOKEN, author=author)

    def authorize(
        self, facts: RequestFacts, sender: Operator | Denial | None, now: float
    ) -> Operator | Denial:
        """Return the operator who may do what a request asks for, or why it is denied."""
        operator = self.confirmed(facts, sender, now)
        if isinstance(operator, Denial) or facts.method in SAFE or operator.may_write:
            return operator
        message = f"{operator.author} may only read"
        return Denial(refusal=refused(403, Code.AUTHENTICATION, message))

    def confirmed(
        self, facts: RequestFacts, sender: Operator | Denial | None, now: float
    ) -> Operator | Denial:
        """Return the authenticated sender, who sent a change from our own page, or why not."""
        if sender is None:
            message = "Authentication error: no token, and no session that is good"
            return Denial(refusal=refused(401, Code.AUTHENTICATION, message, headers=CHALLENGE))
        if isinstance(sender, Denial) or facts.method in SAFE or sender.sign_in not in BY_BROWSER:
            return sender
        return self._forgery(facts, sender, now) or sender

    def _forgery(self, facts: RequestFacts, sender: Operator, now: float) -> Denial | None:
        """Return why another site's page may have sent a change; None when it cannot have."""
        problem = cross_site(facts)
        if problem is not None:
            refusal = refused(403, Code.FORBIDDEN, problem)
            return self._failed(facts, now, Cause.CROSS_SITE, refusal)
        if not csrf_fits(sender, facts.header("x-csrf-token")):
            message = "the header X-CSRF-Token is missing, or is old"
            refusal = refused(403, Code.FORBIDDEN, message)
            return self._failed(facts, now, Cause.NO_CSRF_TOKEN, refusal)
        return None

    def new_session(self, operator: Operator, now: float, unique: str) -> str:
        """Return the cookie of a new session, which ends no later than the credential it is for."""
        until = min(now + LASTS, operator.until) if operator.until else now + LASTS
        return self._sessions.value(
            Session(role=operator.role, author=operator.author, until=int(until), id=unique)
        )

    def _failed(self, facts: RequestFacts, now: float, cause: Cause, refusal: Refusal) -> Denial:
        client = client_of(facts.client_ip)
        wait = self._throttle.wait(client, now)
        failures = self._throttle.failed(client, now)
        if wait:
            seconds = ceil(wait)
            refusal = refused(
                429,
                Code.AUTHENTICATION,
                f"too many failed attempts: try again in {seconds} s",
                headers=(("Retry-After", str(seconds)),),
            )
        return Denial(refusal=refusal, cause=cause, failures=failures)


def token_in(facts: RequestFacts) -> str | None:
    """Return the token in a request's headers; None without one.

    https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/: Authorization, or the
    older X-Auth-Key and X-Auth-User-Service-Key. The scheme of Authorization is without case
    (RFC 9110, 11.1); another scheme than Bearer is for somebody else.
    """
    scheme, _, token = facts.header("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return facts.header("x-auth-key") or facts.header("x-auth-user-service-key") or None
