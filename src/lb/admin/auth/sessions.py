"""The status page's session: a signed cookie, so nothing is stored while it lasts."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass

from lb.admin.auth.signed_in import Operator, Role, SignIn

COOKIE = "evenkeel_admin"
LASTS = 12 * 3600
"""Seconds."""

_MOST_TRIED = 4
"""Most cookies of this name that are checked: a change of the admin path leaves two."""
_LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Content of the cookie."""

    role: Role
    author: str
    until: int
    """Seconds since the Unix epoch."""
    id: str
    """Random: no two sessions are the same."""


class Sessions:
    """Signs and reads session cookies with one key, HMAC-SHA256 (RFC 2104)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def value(self, session: Session) -> str:
        """Return the value of the cookie."""
        content = [session.role.value, session.author, session.until, session.id]
        text = _text(json.dumps(content, separators=(",", ":")).encode())
        return f"{text}.{self._mac('session', text)}"

    def operator(self, header: str, now: float) -> Operator | None:
        """Return the operator of a Cookie header; None when it has no valid session."""
        for value in cookies_in(header, COOKIE):
            session = self._read(value)
            if session is not None and session.until > now:
                return Operator(
                    role=session.role,
                    sign_in=SignIn.SESSION,
                    author=session.author,
                    csrf=self._mac("csrf", value),
                    session=session.id,
                    until=session.until,
                )
        return None

    def csrf_of(self, operator: str) -> str:
        """Return the CSRF token of an operator without a session, whom Access identifies."""
        return self._mac("csrf of", operator)

    def _read(self, value: str) -> Session | None:
        text, _, mac = value.partition(".")
        if len(value) > _LONGEST or not _same(mac, self._mac("session", text)):
            return None
        try:
            role, author, until, unique = json.loads(_bytes(text))
            return Session(role=Role(role), author=str(author), until=int(until), id=str(unique))
        except (ValueError, TypeError):
            return None  # signed by another release

    def _mac(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return _text(hmac.digest(self._key, message, "sha256"))


def csrf_fits(operator: Operator, given: str) -> bool:
    """Whether the header X-CSRF-Token of a change has the required value."""
    return bool(operator.csrf) and _same(given, operator.csrf)


def cookie(value: str, path: str, *, secure: bool, seconds: int = LASTS) -> str:
    """Return the Set-Cookie header of a session; an empty value ends it.

    https://www.rfc-editor.org/rfc/rfc6265#section-4.1, SameSite of
    https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.7
    """
    attributes = ["HttpOnly", "SameSite=Strict", *(["Secure"] if secure else [])]
    lasts = seconds if value else 0
    return "; ".join([f"{COOKIE}={value}", f"Path={path}", f"Max-Age={lasts}", *attributes])


def cookies_in(header: str, name: str) -> list[str]:
    """Return the values of the first few cookies of a name.

    Two Cookie lines may arrive joined by a comma, which no value of ours has.
    """
    found = [
        value.strip()
        for each in header.replace(",", ";").split(";")
        for key, equals, value in [each.strip().partition("=")]
        if key == name and equals
    ]
    return found[:_MOST_TRIED]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(error) from error
