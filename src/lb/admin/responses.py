"""HTTP responses of the admin side, with the security headers that all of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lb.admin.auth.cors import Headers
    from lb.admin.calls import Answer

NO_CONTENT = 204

STRICT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of everything but pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response, ready to be sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """The last one of a name counts."""
    body: str = ""
    """"" = none."""


def response(answer: Answer, cors: Headers, method: str) -> Response:
    """Return the response that carries an answer; HEAD and 204 have no body."""
    empty = answer.status == NO_CONTENT
    headers = headers_of("" if empty else answer.content_type, answer.headers, cors)
    body = "" if empty or method == "HEAD" else answer.body
    return Response(status=answer.status, headers=tuple(headers), body=body)


def headers_of(content_type: str, own: Headers, cors: Headers) -> list[tuple[str, str]]:
    """Return all headers of an answer; its own may replace the Content-Security-Policy only.

    https://owasp.org/www-project-secure-headers/ explains each of them.
    """
    return [
        *((("Content-Type", content_type),) if content_type else ()),
        ("Content-Security-Policy", STRICT),
        *((name, value) for name, value in own if not name.lower().startswith("access-control-")),
        *cors,
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "cross-origin" if cors else "same-origin"),
        ("Vary", "Authorization, Cookie, Origin"),
    ]
