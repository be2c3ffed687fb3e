"""Names of the Worker's secrets, as a configuration gives them in place of the secrets."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_LONG_FOR_A_WORD = 20
_OURS = frozenset({"LB_ADMIN_TOKEN", "LB_COOKIE_KEY", "LB_READ_TOKEN"})
"""Secrets that open the balancer itself: nobody may be sent one."""

_NO_NAME = (
    "must be the name of a secret, and this looks like the secret itself: store it with "
    "`wrangler secret put NAME`, and write NAME here (capital letters, digits and _)"
)


def secret_name_problem(name: str) -> str | None:
    """What is wrong with a secret's name. The rule never shows what was written."""
    if not name:
        return None
    if name in _OURS:
        return "is the balancer's own secret, which nobody may be sent"
    long_word = len(name) >= _LONG_FOR_A_WORD and "_" not in name
    if not _NAME.fullmatch(name) or (long_word and any(char.isdigit() for char in name)):
        return _NO_NAME
    return None
