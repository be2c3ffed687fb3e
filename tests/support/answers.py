"""Behaviours of a scripted origin: responses and faults."""

from __future__ import annotations

import asyncio
import hashlib
import json
from http.client import responses
from itertools import chain, repeat

from support.exchange import Behaviour, Exchange
from support.wire import LAST_CHUNK, chunk, head

BLOCK = bytes(range(256)) * 256
MEGABYTE = 1_000_000
BODILESS = (204, 304)


def reply(
    status: int = 200, body: bytes | str = b"", *fields: tuple[str, str], chunked: bool = False
) -> Behaviour:
    """Send this response in one piece; a missing Content-Length is added."""
    data = body.encode() if isinstance(body, str) else body

    async def answer(exchange: Exchange) -> None:
        await exchange.read_body()
        await exchange.write(start(status, *fields, *framing(status, len(data), fields, chunked)))
        if exchange.request.method != "HEAD" and status not in BODILESS:
            await exchange.write(chunk(data) + LAST_CHUNK if chunked else data)

    return answer


def start(status: int, *fields: tuple[str, str]) -> bytes:
    """The head of a response."""
    return head(f"HTTP/1.1 {status} {responses.get(status, 'Odd')}", *fields)


def framing(
    status: int, size: int, fields: tuple[tuple[str, str], ...], chunked: bool
) -> tuple[tuple[str, str], ...]:
    """The field that delimits the body."""
    if status in BODILESS or "content-length" in {name.lower() for name, _ in fields}:
        return ()
    return (("Transfer-Encoding", "chunked"),) if chunked else (("Content-Length", str(size)),)


def echo(*fields: tuple[str, str]) -> Behaviour:
    """Answer with the request as JSON: method, target, headers, size and digest of the body."""

    async def answer(exchange: Exchange) -> None:
        await exchange.read_body()
        request = exchange.request
        seen = {
            "origin": exchange.name,
            "method": request.method,
            "target": request.target,
            "headers": request.head.fields,
            "size": request.size,
            "digest": request.digest,
        }
        await reply(200, json.dumps(seen), ("Content-Type", "application/json"), *fields)(exchange)

    return answer


def raw(*parts: bytes | float, read_body: bool = True) -> Behaviour:
    """Send these bytes, with a pause of so many seconds for each number, and close."""

    async def answer(exchange: Exchange) -> None:
        if read_body:
            await exchange.read_body()
        for part in parts:
            if isinstance(part, bytes):
                await exchange.write(part)
            else:
                await asyncio.sleep(part)
        exchange.keep_alive = False

    return answer


def hang() -> Behaviour:
    """Read the request and never answer."""

    async def answer(exchange: Exchange) -> None:
        await exchange.read_body()
        await asyncio.Event().wait()

    return answer


def reset() -> Behaviour:
    """Reset the connection instead of answering."""

    async def answer(exchange: Exchange) -> None:
        exchange.reset()

    return answer


def close() -> Behaviour:
    """Close the connection instead of answering."""
    return raw()


def garbage() -> Behaviour:
    """Answer with bytes that are not HTTP."""
    return raw(b"\x00\x01\xfe\xffSSH-2.0-nonsense\r\n\r\n")


def cut(body: bytes, promised: int, *, with_reset: bool = True) -> Behaviour:
    """Announce a longer body than is sent, and end the connection before its end."""

    async def answer(exchange: Exchange) -> None:
        await exchange.read_body()
        await exchange.write(start(200, ("Content-Length", str(promised))) + body)
        if with_reset:
            await asyncio.sleep(0.1)  # A reset discards bytes that have not been read.
            exchange.reset()
        exchange.keep_alive = False

    return answer


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Delay the first byte of a response."""

    async def answer(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await behaviour(exchange)

    return answer


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Use the next behaviour for each request; the last one repeats."""
    following = chain(behaviours, repeat(behaviours[-1]))

    async def answer(exchange: Exchange) -> None:
        await next(following)(exchange)

    return answer


def events(*messages: str, gap: float, status: int = 200) -> Behaviour:
    """Send server-sent events, each followed by a pause, then end the stream."""

    async def answer(exchange: Exchange) -> None:
        kind = ("Content-Type", "text/event-stream")
        await exchange.write(start(status, kind, ("Transfer-Encoding", "chunked")))
        for message in messages:
            await exchange.write(chunk(f"data: {message}\n\n".encode()))
            await asyncio.sleep(gap)
        await exchange.write(LAST_CHUNK)

    return answer


def blocks(size: int) -> list[bytes]:
    """A large body in pieces with constant content."""
    whole, rest = divmod(size, len(BLOCK))
    return [BLOCK] * whole + ([BLOCK[:rest]] if rest else [])


def digest_of(size: int) -> str:
    """SHA-256 of the body of `blocks`."""
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


def download(size: int, *, chunked: bool = False) -> Behaviour:
    """Answer with a large body."""

    async def answer(exchange: Exchange) -> None:
        await exchange.read_body()
        await exchange.write(start(200, *framing(200, size, (), chunked)))
        for block in blocks(size):
            await exchange.write(chunk(block) if chunked else block)
        if chunked:
            await exchange.write(LAST_CHUNK)

    return answer
