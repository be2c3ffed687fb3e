"""One request to Cloudflare's API, and the JSON object that it holds."""

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
"""Bytes; an isolate refuses longer ones earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request to Cloudflare's API, split into its parts."""

    context: HandlerContext
    call: Call
    scope: str
    """Owner of the objects: `accounts/<id>`, `zones/<id>` or `user`, as sent."""
    identifier: str = ""
    """Id of the object in the path."""
    query: Mapping[str, str] = field(default_factory=dict)

    def sees(self, scope: str) -> bool:
        """Whether an object made under `scope` is visible here; those of the file always are."""
        owner = self.scope.partition("/")[0]
        return scope in {"", self.scope} or (
            bool(fixed_id(self.context, owner)) and scope.startswith(f"{owner}/")
        )

    def body(self) -> dict[str, Any] | Refusal:
        """Return the JSON object in the body, or the refusal of anything else."""
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
    """Return the only account or zone id, if the configuration names one; else ""."""
    config = context.store.effective.config
    if config is None:
        return ""
    return {"accounts": config.admin.account_id, "zones": config.admin.zone_id}.get(owner, "")
