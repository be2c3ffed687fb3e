"""Reads a balancer's responses: the result, or a failure with a clear message."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from evenkeel.live.client.target import Target
from evenkeel.output.errors import Exit, Failure, plain

_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors` or `messages` in a response."""

    code: int
    message: str
    pointer: str = ""

    def __str__(self) -> str:
        at = f" @ {self.pointer}" if self.pointer else ""
        return f"{self.message}{at}"


class Refused(Failure):
    """A request that the balancer refuses."""

    def __init__(self, code: Exit, status: int, faults: tuple[Fault, ...], *hints: str) -> None:
        reasons = "; ".join(map(str, faults)) or f"it answered with status {status}"
        super().__init__(code, f"the balancer refuses: {reasons}", *hints)
        self.status = status
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful response in Cloudflare's envelope."""

    result: Any
    notes: tuple[Fault, ...] = ()
    pages: int = 1


# Status of a refusal -> exit code; NO for all others below 500.
_CODES = {
    401: Exit.NOT_ALLOWED,
    403: Exit.NOT_ALLOWED,
    412: Exit.CHANGED,
    429: Exit.NOT_ALLOWED,
}


def read(target: Target, response: httpx.Response, wait: float | None) -> Reply:
    """The result of a response; Failure for any other response.

    `wait` is the Retry-After in seconds, if the response has one.
    """
    if response.is_redirect:
        raise _redirected(target, response)
    document = _document(response)
    if document is None:
        raise not_evenkeel(target, response)
    if response.is_success and document["success"] is True:
        info = document.get("result_info")
        pages = info.get("total_pages", 1) if isinstance(info, dict) else 1
        return Reply(
            document.get("result"),
            _faults(document.get("messages")),
            pages if isinstance(pages, int) else 1,
        )
    raise _refused(target, response.status_code, wait, _faults(document.get("errors")))


def _refused(target: Target, status: int, wait: float | None, faults: tuple[Fault, ...]) -> Failure:
    if status >= 500:
        reasons = "; ".join(map(str, faults))
        return Failure(
            Exit.UNREACHABLE,
            f"{target.origin}: the balancer failed with status {status}: {reasons}",
            "`evenkeel wrangler tail` shows its log.",
        )
    hints: tuple[str, ...] = ()
    if status == 401:
        hints = ("The token is not the Worker's LB_ADMIN_TOKEN or LB_READ_TOKEN.",)
    elif status == 429:
        hints = (f"Try again in {wait:g} s.",) if wait is not None else ()
    return Refused(_CODES.get(status, Exit.NO), status, faults, *hints)


def _redirected(target: Target, response: httpx.Response) -> Failure:
    """A redirect; it is not followed, as it could take the token anywhere."""
    location = response.headers.get("location", "")
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        host = ""
    if host.endswith(".cloudflareaccess.com"):
        return Failure(
            Exit.NOT_ALLOWED,
            f"{target.origin}: Cloudflare Access asks for a login",
            "Set a service token in CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET.",
        )
    return Failure(
        Exit.UNREACHABLE,
        f"{target.url} redirects to {plain(location[:200]) or 'nowhere'}",
        "Redirects are not followed, to protect the token: give the final --url.",
    )


def not_evenkeel(target: Target, response: httpx.Response) -> Failure:
    """A response that Evenkeel never sends."""
    kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
    summary = f"status {response.status_code}, {plain(kind[:60])}"
    if response.status_code in {502, 503, 504} or 520 <= response.status_code <= 530:
        return Failure(
            Exit.UNREACHABLE, f"{target.url} cannot answer now ({summary})", "Try again."
        )
    return Failure(
        Exit.UNREACHABLE,
        f"{target.url} is not the admin side of an Evenkeel ({summary})",
        "It exists only if the secret LB_ADMIN_TOKEN is set (32 characters or more).",
        "If its path is not /_lb, give --admin-path.",
    )


def is_html(response: httpx.Response) -> bool:
    """Whether a response is a web page."""
    return "html" in response.headers.get("content-type", "").lower()


def _document(response: httpx.Response) -> dict[str, Any] | None:
    """The envelope of a response; None if it has none."""
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("success"), bool):
        return None
    return document


def _faults(entries: object) -> tuple[Fault, ...]:
    """Entries of `errors` or `messages`; malformed ones are skipped or made plain."""
    found = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            code, source = entry.get("code"), entry.get("source")
            pointer = source.get("pointer") if isinstance(source, dict) else ""
            found.append(
                Fault(
                    code if isinstance(code, int) else 0,
                    plain(entry.get("message", ""))[:_LONGEST_MESSAGE],
                    plain(pointer or ""),
                )
            )
    return tuple(found)
