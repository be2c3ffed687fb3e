"""Codes of Cloudflare's API, and refusals that several endpoints have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import Fault, Refusal, refused

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_FOUND = 1001
INVALID = 1002
"""A field that does not pass validation."""
NOT_UNIQUE = 1003
"""A name that another object has."""
REFERENCED = 1005
"""An object that others refer to cannot be deleted."""
UNREADABLE = 1007
"""A body that is no JSON object."""
CHANGED = 1006
"""The object is not what If-Match says: somebody else was quicker."""
READ_ONLY = 1008
"""An object that can only be changed in the file."""
NO_ROUTE = 7003
METHOD = 10405

UNHEEDED = 1100
"""Of a message: a field was kept, and has no effect."""


def not_found(kind: str, identifier: str) -> Refusal:
    """Return the refusal of an object that does not exist, or not in this account or zone."""
    return refused(404, NOT_FOUND, f"there is no {kind} with the id {identifier[:64]}")


def invalid(faults: Iterable[tuple[str, str]]) -> Refusal:
    """Return the refusal of a body: each fault is a JSON pointer and a message."""
    listed = tuple(
        Fault(code=INVALID, message=f"{message}: validation failed", pointer=pointer)
        for pointer, message in faults
    )
    return Refusal(status=400, faults=listed)
