"""Calls of operators to the Durable Object, and its answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lb.admin.codes import Code

JSON = "application/json"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that the admin side takes."""
SAFE = frozenset({"GET", "HEAD"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request below the admin path whose sender is authenticated. It holds no secret."""

    method: str
    path: str
    """Below the admin path, as it was sent: `/client/v4/accounts/...`, `/status`."""
    query: str = ""
    """After the question mark, as it was sent."""
    body: str = ""
    author: str = ""
    """The operator, for the record of changes: `admin token`, or a mail address."""
    may_write: bool = False
    session: str = ""
    """Id of the status page's session; "" for a token or Cloudflare Access."""
    if_match: str = ""
    """Header If-Match (RFC 9110, 13.1.1)."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Call:
        return Call(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to an operator."""

    status: int = 200
    body: str = ""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    version: int = 0
    """Version of the configuration after the call."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Answer:
        found: dict[str, Any] = json.loads(text)
        pairs = tuple((name, value) for name, value in found.pop("headers"))
        return Answer(**found, headers=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error of a call, in the shape of Cloudflare's API.

    https://developers.cloudflare.com/api/ (ErrorData: code, message, source.pointer)
    """

    code: Code
    message: str
    pointer: str = ""
    """Place in the body: `/origins/0/weight` (RFC 6901); "" for the whole body."""

    def to_dict(self) -> dict[str, Any]:
        source = {"source": {"pointer": self.pointer}} if self.pointer else {}
        return {"code": self.code, "message": self.message, **source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Fault):
    """A remark on a call that was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a handler, before it is put into an envelope."""

    result: Any = None
    status: int = 200
    notes: tuple[Note, ...] = ()
    info: dict[str, int] | None = None
    """Cloudflare's result_info of a list."""
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that was not carried out."""

    status: int
    faults: tuple[Fault, ...]
    headers: tuple[tuple[str, str], ...] = ()


def enveloped(outcome: Result | Refusal) -> Answer:
    """Return the answer in Cloudflare's envelope; an error always has a status of 400 or more."""
    if isinstance(outcome, Refusal):
        document: dict[str, Any] = {
            "success": False,
            "errors": [fault.to_dict() for fault in outcome.faults],
            "messages": [],
            "result": None,
        }
    else:
        document = {
            "success": True,
            "errors": [],
            "messages": [note.to_dict() for note in outcome.notes],
            "result": outcome.result,
        }
        if outcome.info is not None:
            document["result_info"] = outcome.info
    return Answer(
        status=outcome.status,
        body=json.dumps(document, separators=(",", ":")),
        headers=outcome.headers,
    )


def refused(
    status: int,
    code: Code,
    message: str,
    pointer: str = "",
    *,
    headers: tuple[tuple[str, str], ...] = (),
) -> Refusal:
    """Return a refusal with a single reason."""
    fault = Fault(code=code, message=message, pointer=pointer)
    return Refusal(status=status, faults=(fault,), headers=headers)
