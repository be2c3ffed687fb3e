"""The status page's session: a signed cookie, so that nothing has to be kept while it lasts."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass

from lb.admin.who.people import Means, Role, Who

COOKIE = "evenkeel_admin"
LASTS = 12 * 3600
"""Seconds."""

_MOST_TRIED = 4
"""Cookies of the name that are looked at: two may come of a change of path."""
_LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the cookie says."""

    role: Role
    author: str
    until: int
    """Seconds since the Unix epoch."""
    id: str
    """Random, so that no two sessions are the same."""


class Sessions:
    """Signs and reads them with one key, HMAC-SHA256 (RFC 2104)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def value(self, session: Session) -> str:
        """Return the cookie's value."""
        said = [session.role.value, session.author, session.until, session.id]
        text = _text(json.dumps(said, separators=(",", ":")).encode())
        return f"{text}.{self._mac('session', text)}"

    def who(self, header: str, now: float) -> Who | None:
        """Return who a Cookie header belongs to; None when no session in it is good now."""
        for value in cookies_in(header, COOKIE):
            session = self._read(value)
            if session is not None and session.until > now:
                return Who(
                    role=session.role,
                    means=Means.SESSION,
                    author=session.author,
                    csrf=self._mac("csrf", value),
                    session=session.id,
                    until=session.until,
                )
        return None

    def csrf_of(self, who: str) -> str:
        """Return the CSRF token of somebody who has no session: Access tells who it is."""
        return self._mac("csrf of", who)

    def _read(self, value: str) -> Session | None:
        text, _, mac = value.partition(".")
        if len(value) > _LONGEST or not _same(mac, self._mac("session", text)):
            return None
        try:
            role, author, until, unique = json.loads(_bytes(text))
            return Session(role=Role(role), author=str(author), until=int(until), id=str(unique))
        except (ValueError, TypeError):
            return None  # signed by another version of ours

    def _mac(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return _text(hmac.digest(self._key, message, "sha256"))


def csrf_fits(who: Who, given: str) -> bool:
    """Whether a request that changes something has the header X-CSRF-Token that it must have."""
    return bool(who.csrf) and _same(given, who.csrf)


def cookie(value: str, path: str, *, secure: bool, seconds: int = LASTS) -> str:
    """Return the Set-Cookie of a session; an empty value ends it.

    https://www.rfc-editor.org/rfc/rfc6265#section-4.1, SameSite of
    https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.7
    """
    attributes = ["HttpOnly", "SameSite=Strict", *(["Secure"] if secure else [])]
    lasts = seconds if value else 0
    return "; ".join([f"{COOKIE}={value}", f"Path={path}", f"Max-Age={lasts}", *attributes])


def cookies_in(header: str, name: str) -> list[str]:
    """Return the values of the cookies of a name, the first few of them."""
    found = [
        value.strip()
        for each in header.split(";")
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
