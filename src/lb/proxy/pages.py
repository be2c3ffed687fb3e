"""The answers to refused requests."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from lb.log_events import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import FixedResponse
    from lb.proxy.steps import Refuse


class Page(NamedTuple):
    """A complete answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


_LATER = "Please try again in a moment."

# Total over Refusal but for a redirect and a fixed response, which have no page.
TEXTS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.NO_LOAD_BALANCER: (
        "Misdirected request",
        (
            "No load balancer is configured for this host name. If it is yours, give a load "
            "balancer this name, or the name *, in its configuration."
        ),
    ),
    Refusal.NOT_CONFIGURED: (
        "The load balancer is not configured",
        (
            "Its configuration has problems, so it serves nothing. The problems are in the "
            "Worker's log; <code>evenkeel check</code> prints them with the line of each."
        ),
    ),
    Refusal.FAULT: ("Bad gateway", "The load balancer could not pass on this request."),
    Refusal.NO_ORIGIN_ENABLED: (
        "Service unavailable",
        f"The servers behind this address are switched off or in maintenance. {_LATER}",
    ),
    Refusal.NO_ORIGIN_ANSWERED: (
        "Service unavailable",
        f"None of the servers behind this address could answer. {_LATER}",
    ),
    Refusal.NOT_SENT_ON: (
        "Service unavailable",
        (
            "This request was sent to a server that did not answer, and it was not sent to "
            "another one. If it was meant to change something, check whether it did before you "
            "send it again."
        ),
    ),
    Refusal.ALL_FULL: (
        "Service unavailable",
        f"The servers behind this address have as many requests as they may have. {_LATER}",
    ),
    Refusal.SLOW_BODY: (
        "Request timeout",
        "The body of this request did not arrive in time, so it was sent to no server.",
    ),
    Refusal.BROKEN_BODY: (
        "Bad request",
        "The body of this request ended early, so it was sent to no server.",
    ),
    Refusal.LOOP: (
        "Loop detected",
        (
            "This request came back to the load balancer that had sent it out. An origin's address "
            "leads to the load balancer itself."
        ),
    ),
}
"""Title and text of each page; the text is HTML."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;\
margin:15vh auto;padding:0 1.5rem}}h1{{font-size:1.4rem}}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


def page(refusal: Refuse) -> Page:
    """Return the response to a refused request. It repeats nothing of the request.

    It has the headers that responses of origins get, or a browser shows a CORS error in place of a
    503 (https://fetch.spec.whatwg.org/#cors-check).
    """
    status, own, body = _own(refusal)
    if not refusal.headers:
        return Page(status, own, body)
    given = {name.lower() for name, _ in refusal.headers}
    kept = tuple(pair for pair in own if pair[0].lower() not in given)
    return Page(status, (*kept, *refusal.headers), body)


def _own(refusal: Refuse) -> Page:
    if refusal.fixed is not None:
        return _fixed(refusal.fixed, refusal.retry_after)
    if refusal.location is not None:
        return Page(
            refusal.status, (("Location", refusal.location), ("Cache-Control", "no-store")), ""
        )
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
    if refusal.retry_after is not None:
        headers.append(("Retry-After", str(refusal.retry_after)))
    title, text = TEXTS[refusal.refusal]
    body = _PAGE.format(title=f"{refusal.status} {escape(title)}", text=text)
    return Page(refusal.status, tuple(headers), body)


def _fixed(response: FixedResponse, retry_after: int | None) -> Page:
    """Return an answer that the operator wrote.

    No cache may store it: the next request may match another rule, or reach an origin. Browsers
    may not guess its type, so that text does not become a page
    (https://fetch.spec.whatwg.org/#x-content-type-options-header).
    """
    headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    if response.message_body or response.content_type:
        headers.append(("Content-Type", response.content_type or "text/plain; charset=utf-8"))
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    if response.location:
        headers.append(("Location", response.location))
    return Page(response.status_code, tuple(headers), response.message_body)
