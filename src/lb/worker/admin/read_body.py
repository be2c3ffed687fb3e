"""Reads the body of a request as text: no more of it than allowed, and no longer than a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, jsnull

from lb.admin.calls import Refusal, refused
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

LARGEST = 1 << 20
"""Bytes."""

SECONDS = 10.0
"""In which the whole of it must be there."""

_BAD = 1000


async def text_of(
    request: Any, facts: RequestFacts, largest: int = LARGEST, seconds: float = SECONDS
) -> str | Refusal:
    """Return a request's body, "" when it has none, or why it is not taken.

    What it says of its own length is believed only where that makes less work.
    """
    if request.body is jsnull:
        return ""
    problem = _announced(facts, largest)
    if problem is not None:
        return problem
    try:
        filled = await bytes_of(request.body, largest, seconds)
        if filled is None:
            return _too_large(largest)
        return str(js.TextDecoder.new("utf-8", js_object(fatal=True)).decode(filled))
    except TimeoutError:
        return refused(408, _BAD, f"the body was not there within {seconds:g} s")
    except JsException as error:
        ended = "is not UTF-8" if error.name == "TypeError" else "ended early"
        return refused(400, _BAD, f"the body {ended}")


def _announced(facts: RequestFacts, largest: int) -> Refusal | None:
    """Say what is wrong with a body that nobody has to read for that."""
    if (facts.content_length or 0) > largest:
        return _too_large(largest)
    if facts.header("content-encoding").strip().lower() not in {"", "identity"}:
        return refused(415, _BAD, "send the body as it is, not packed")
    return None


async def bytes_of(body: Any, largest: int, seconds: float) -> Any:
    """Return all of a stream as a Uint8Array, None when there is more than allowed.

    The stream fills one buffer, which is one byte larger than it may be: whoever sends in small
    pieces costs no more than others, and nothing of it enters Python before it is known to be small
    enough. Raises TimeoutError and JsException.
    """
    reader = body.getReader(js_object(mode="byob"))
    try:
        view = js.Uint8Array.new(largest + 1)
        # https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/
        read = await asyncio.wait_for(reader.readAtLeast(largest + 1, view), seconds)
    except TimeoutError:
        await _let_go(reader)
        raise
    filled = read.value or js.Uint8Array.new(0)
    if filled.byteLength <= largest:
        return filled
    await _let_go(reader)
    return None


def _too_large(largest: int) -> Refusal:
    return refused(413, _BAD, f"the body is larger than {largest} bytes")


async def _let_go(reader: Any) -> None:
    """Stop reading; what comes of it is of no interest."""
    with suppress(JsException, TimeoutError):
        await asyncio.wait_for(reader.cancel(), 1.0)
