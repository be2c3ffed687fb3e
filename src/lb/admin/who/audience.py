"""Which requests are for the admin side, and which of them anybody may send."""

from __future__ import annotations

from enum import Enum

from lb.admin.who.cors import SAFE

SESSION_PATH = "/session"


class Audience(Enum):
    """Who may send a request."""

    ANYBODY = "anybody"
    """It is told nothing that is not public."""
    WHOEVER_LOGS_IN = "whoever logs in"
    """The session itself: who asks is found out on the way."""
    OPERATORS = "operators"


OPEN = {"/": Audience.ANYBODY, "/public": Audience.ANYBODY}
"""The page is a shell without data; the public one says whether it exists."""


def below(path: str, admin_path: str) -> str | None:
    """Return what stands below the admin path; None where a request is not for the admin side.

    Byte for byte: what is written in any other way (`//_lb`, `/%5flb`, `/_LB`) is a request like
    any other, for an origin that may well have such a path.
    """
    if not path.startswith(admin_path):
        return None
    rest = path[len(admin_path) :]
    return rest or "/" if rest[:1] in {"", "/"} else None


def audience_of(method: str, path: str) -> Audience:
    """Return who may send a request to this path below the admin path."""
    if path == SESSION_PATH:
        return Audience.WHOEVER_LOGS_IN
    return OPEN.get(path, Audience.OPERATORS) if method in SAFE else Audience.OPERATORS
