"""What a handler is request, and what it works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lb.admin.calls import refused
from lb.admin.codes import Code
from lb.base.bounded_json import Unreadable, bounded_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.admin.calls import Call, Refusal
    from lb.admin.handlers.context import HandlerContext

LONGEST_BODY = 1_048_576
"""Bytes; the edge refuses longer ones before they get here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request to Cloudflare's API, taken apart."""

    context: HandlerContext
    call: Call
    scope: str
    """Whose objects: `accounts/<id>`, `zones/<id>` or `user`, as given."""
    identifier: str = ""
    """Of the object in the path."""
    query: Mapping[str, str] = field(default_factory=dict)

    def sees(self, scope: str) -> bool:
        """Whether an object that was made under `scope` is seen here; the file's are everywhere."""
        owner = self.scope.partition("/")[0]
        return scope in {"", self.scope} or (
            bool(fixed_id(self.context, owner)) and scope.startswith(f"{owner}/")
        )

    def body(self) -> dict[str, Any] | Refusal:
        """Return the JSON object that was sent, or the refusal of anything else."""
        text = self.call.body
        if len(text) > LONGEST_BODY or len(text.encode(errors="replace")) > LONGEST_BODY:
            return refused(413, Code.UNREADABLE, f"the body has more than {LONGEST_BODY} bytes")
        found = bounded_json(text)
        if isinstance(found, Unreadable):
            return refused(400, Code.UNREADABLE, f"the body cannot be read: {found.message}")
        if not isinstance(found, dict):
            return refused(400, Code.INVALID, "the body must be a JSON object")
        return found


def fixed_id(context: HandlerContext, owner: str) -> str:
    """Return the only account or zone that there is, if the configuration names it; else ""."""
    config = context.store.effective.config
    if config is None:
        return ""
    return {"accounts": config.admin.account_id, "zones": config.admin.zone_id}.get(owner, "")
