"""Pages with a Content-Security-Policy that admits their own scripts and styles only."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from lb.admin.calls import Answer

HTML = "text/html; charset=utf-8"


def shell(html: str) -> Answer:
    """Return a page whose policy allows exactly the scripts and styles in it, by hash.

    An injected script or style has another hash; everything is fetched from this host
    (https://www.w3.org/TR/CSP3/#framework-directives).
    """
    policy = (
        "default-src 'none'",
        f"script-src {_hashes(html, 'script')}",
        f"style-src {_hashes(html, 'style')}",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
    return Answer(
        body=html, content_type=HTML, headers=(("Content-Security-Policy", "; ".join(policy)),)
    )


def _hashes(html: str, tag: str) -> str:
    found = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html, re.DOTALL)
    digests = (sha256(inside.encode()).digest() for inside in found)
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests) or "'none'"
