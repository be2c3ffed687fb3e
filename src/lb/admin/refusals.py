"""Refusals that several paths have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import SAFE, Fault, Refusal, refused
from lb.admin.codes import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.admin.calls import Call

LONGEST_SHOWN = 64
"""Characters of an identifier that are repeated to the caller."""

BROKEN = refused(500, Code.GENERAL, "a fault of the load balancer itself: see the Worker's log")
NOTHING_SERVES = refused(
    503, Code.NOTHING_SERVES, "nothing that is configured can serve: apply one that can"
)


def not_found(kind: str, identifier: str) -> Refusal:
    """Return the refusal of an object that does not exist in this account or zone."""
    message = f"there is no {kind} with the id {identifier[:LONGEST_SHOWN]}"
    return refused(404, Code.NOT_FOUND, message)


def nothing_at(path: str) -> Refusal:
    """Return the refusal of a path below the admin path that does not exist."""
    return refused(404, Code.NO_ROUTE, f"there is nothing at {path}")


def unless_read(call: Call) -> Refusal | None:
    """Return the refusal of a change to a path that can only be read."""
    if call.method in SAFE:
        return None
    return refused(405, Code.METHOD, f"{call.path} is only read: use GET")


def wrong_method(message: str, *allowed: str) -> Refusal:
    """Return the refusal of a method that a path does not take (RFC 9110, 15.5.6)."""
    headers = (("Allow", ", ".join(allowed)),) if allowed else ()
    return refused(405, Code.METHOD, message, headers=headers)


def impossible(method: str, *allowed: str) -> Refusal:
    """Return the refusal of a method that a path does not take, by its name."""
    return wrong_method(f"{method[:20]} is not possible here", *allowed)


def from_file(kind: str, pointer: str = "") -> Refusal:
    """Return the refusal to change an object that comes from loadbalancer.toml."""
    message = (
        f"this {kind} comes from loadbalancer.toml and changes with a deployment alone; "
        "to change it here, adopt what the file says first: POST /adopt, or `evenkeel adopt`"
    )
    return refused(403, Code.FROM_FILE, message, pointer)


def invalid(faults: Iterable[tuple[str, str]]) -> Refusal:
    """Return the refusal of a body; each fault is a JSON pointer (RFC 6901) and a message."""
    listed = tuple(
        Fault(code=Code.INVALID, message=f"{message}: validation failed", pointer=pointer)
        for pointer, message in faults
    )
    return Refusal(status=400, faults=listed)
