"""A WebSocket origin, as one more behaviour of a scripted origin."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from support.exchange import READ_BYTES, Behaviour, Exchange
from support.wire import head

CLOSE = "close "
ABORT = "abort"
LARGEST = 1 << 24


def websocket(*subprotocols: str) -> Behaviour:
    """Accept a WebSocket and echo its frames.

    On the text "close 4001 why" the origin closes with that code and reason; on "abort" it resets
    the connection. The client's close code is recorded as the request's body.
    """

    def choose(_: ServerProtocol, wanted: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((name for name in wanted if name in subprotocols), None)

    async def answer(exchange: Exchange) -> None:
        protocol = ServerProtocol(select_subprotocol=choose, max_size=LARGEST)
        fields = exchange.request.head.fields
        protocol.receive_data(head(exchange.request.head.start, *fields))
        (handshake,) = protocol.events_received()
        assert isinstance(handshake, Request)
        protocol.send_response(protocol.accept(handshake))
        exchange.keep_alive = False
        await _flush(protocol, exchange)
        if protocol.state is not State.OPEN:
            return  # The handshake was refused.
        while data := await exchange.reader.read(READ_BYTES):
            protocol.receive_data(data)
            for frame in protocol.events_received():
                assert isinstance(frame, Frame)
                if protocol.state is State.OPEN:
                    _take(frame, protocol, exchange)
            await _flush(protocol, exchange)
            if protocol.close_rcvd is not None:
                exchange.request.body = str(int(protocol.close_rcvd.code)).encode()
                exchange.complete = True
                return

    return answer


def _take(frame: Frame, protocol: ServerProtocol, exchange: Exchange) -> None:
    text = bytes(frame.data).decode(errors="replace") if frame.opcode is Opcode.TEXT else ""
    if text == ABORT:
        exchange.reset()
    elif text.startswith(CLOSE):
        code, _, reason = text.removeprefix(CLOSE).partition(" ")
        protocol.send_close(int(code), reason)
    elif frame.opcode is Opcode.TEXT:
        protocol.send_text(frame.data, frame.fin)
    elif frame.opcode is Opcode.BINARY:
        protocol.send_binary(frame.data, frame.fin)
    elif frame.opcode is Opcode.CONT:
        protocol.send_continuation(frame.data, frame.fin)


async def _flush(protocol: ServerProtocol, exchange: Exchange) -> None:
    for data in protocol.data_to_send():
        if data:
            await exchange.write(data)
