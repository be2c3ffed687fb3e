"""The responses of a demo origin."""

import asyncio
import zlib
from http import HTTPStatus

from aiohttp import WSMsgType, web

COLOURS = ("#2563eb", "#059669", "#d97706", "#db2777", "#7c3aed")

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
  body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
         font: 1.1rem/1.6 system-ui, sans-serif; background: {colour}; color: #fff; }}
  main {{ text-align: center; }}
  h1 {{ font-size: clamp(3rem, 12vw, 8rem); margin: 0; }}
  a {{ color: inherit; }}
</style>
<main>
  <p>You were served by</p>
  <h1>{name}</h1>
  <p>Try <a href="/headers">/headers</a>, <a href="/slow">/slow</a>, <a href="/health">/health</a>,
     or a WebSocket at /ws.</p>
</main>
"""


def make_application(name: str) -> web.Application:
    """The web application of the origin `name`."""
    pages = Pages(name)
    application = web.Application()
    application.on_response_prepare.append(pages.sign)
    application.add_routes(
        [
            web.get("/health", pages.health),
            web.get("/headers", pages.headers),
            web.get("/slow", pages.slow),
            web.get("/ws", pages.websocket),
            web.route("*", "/echo", pages.echo),
            web.route("*", "/status/{status:\\d{3}}", pages.status),
            web.route("*", "/{path:.*}", pages.home),
        ]
    )
    return application


class Pages:
    """A handler for each kind of response."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Chosen by name, so that a restarted origin keeps its colour.
        self.colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]

    async def sign(self, _: web.Request, response: web.StreamResponse) -> None:
        """Add the origin's name to each response."""
        response.headers["Server"] = self.name

    async def home(self, request: web.Request) -> web.Response:
        """A page for a browser, a line for curl."""
        if "text/html" in request.headers.get("Accept", ""):
            page = PAGE.format(name=self.name, colour=self.colour)
            return web.Response(text=page, content_type="text/html")
        return web.Response(text=f"Hello from {self.name}: {request.method} {request.path_qs}\n")

    async def health(self, _: web.Request) -> web.Response:
        """The health path."""
        return web.Response(text="ok\n")

    async def headers(self, request: web.Request) -> web.Response:
        """The request as the origin got it."""
        pairs = list(request.headers.items())
        return web.json_response(
            {
                "origin": self.name,
                "method": request.method,
                "path": request.path_qs,
                "headers": pairs,
            }
        )

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """The request's body, streamed back."""
        kind = request.headers.get("Content-Type", "application/octet-stream")
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response

    async def slow(self, request: web.Request) -> web.StreamResponse:
        """A line at a time: /slow?lines=5&every=1."""
        lines = int(request.query.get("lines", "5"))
        every = float(request.query.get("every", "1"))
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        await response.prepare(request)
        for line in range(1, lines + 1):
            await response.write(f"{self.name}: {line} of {lines}\n".encode())
            await asyncio.sleep(every)
        return response

    async def status(self, request: web.Request) -> web.Response:
        """A response with any status: /status/503."""
        status = int(request.match_info["status"])
        if status < HTTPStatus.OK:
            status = HTTPStatus.BAD_REQUEST
        return web.Response(status=status, text=f"{self.name} answers {status}\n")

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Every message sent back, with the origin's name before a text."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"{self.name}: {message.data}")
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket
