"""Which requests belong to the admin side, and who may send each of them."""

from __future__ import annotations

from enum import Enum

from lb.admin.calls import SAFE

SESSION_PATH = "/session"


class Audience(Enum):
    """Who may send a request."""

    ANYBODY = "anybody"
    """The answer holds public data only."""
    SIGNING_IN = "signing in"
    """The status page's session: the sender is authenticated on the way."""
    OPERATORS = "operators"


OPEN = {"/": Audience.ANYBODY, "/public": Audience.ANYBODY}
"""The status page comes without data; /public answers 404 unless it is configured."""


def below(path: str, admin_path: str) -> str | None:
    """Return the path below the admin path; None for a request that is not for the admin side.

    Compared byte for byte: any other spelling (`//_lb`, `/%5flb`, `/_LB`) goes to an origin, which
    may well have such a path.
    """
    if not path.startswith(admin_path):
        return None
    rest = path[len(admin_path) :]
    return rest or "/" if rest[:1] in {"", "/"} else None


def audience_of(method: str, path: str) -> Audience:
    """Return who may send a request to a path below the admin path."""
    if path == SESSION_PATH:
        return Audience.SIGNING_IN
    return OPEN.get(path, Audience.OPERATORS) if method in SAFE else Audience.OPERATORS
