"""Reads the body of a request as text, within limits of size and time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from lb.admin.request_body import BodyProblem
from lb.worker.runtime import js_object


class StreamedBody:
    """The Body port over a ReadableStream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def read(self, largest: int, seconds: float) -> str | BodyProblem:
        try:
            filled = await bytes_of(self._stream, largest, seconds)
            if filled is None:
                return BodyProblem.TOO_LARGE
            return str(js.TextDecoder.new("utf-8", js_object(fatal=True)).decode(filled))
        except TimeoutError:
            return BodyProblem.TOO_SLOW
        except JsException as error:
            # https://encoding.spec.whatwg.org/#dom-textdecoder-decode: TypeError = not UTF-8.
            return BodyProblem.NOT_UTF8 if error.name == "TypeError" else BodyProblem.CUT_OFF


async def bytes_of(stream: Any, largest: int, seconds: float) -> Any:
    """Return all of a stream as a Uint8Array; None when there are more than `largest` bytes.

    The stream fills one buffer that is one byte larger than allowed: a body in small pieces costs
    no more than others, and nothing of it enters Python before its size is known. Raises
    TimeoutError and JsException.
    """
    reader = stream.getReader(js_object(mode="byob"))
    try:
        view = js.Uint8Array.new(largest + 1)
        # https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/
        read = await asyncio.wait_for(reader.readAtLeast(largest + 1, view), seconds)
    except TimeoutError:
        await _cancel(reader)
        raise
    filled = read.value or js.Uint8Array.new(0)
    if filled.byteLength <= largest:
        return filled
    await _cancel(reader)
    return None


async def _cancel(reader: Any) -> None:
    """Stop reading, whatever comes of it."""
    with suppress(JsException, TimeoutError):
        await asyncio.wait_for(reader.cancel(), 1.0)
