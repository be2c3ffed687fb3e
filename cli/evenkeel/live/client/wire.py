"""Asks a balancer's admin side over HTTP."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import httpx

from evenkeel.live.client.answers import Reply, is_html, read, stranger
from evenkeel.live.client.host import World
from evenkeel.live.client.target import Target
from evenkeel.live.client.token_source import ACCESS, sendable
from evenkeel.output.errors import Exit, Failure, plain

AGENT = "evenkeel-cli"
MOST_BYTES = 64 * 1024 * 1024
TRIES = 3
LONGEST_WAIT = 60.0
"""Seconds that a read waits at most when it is told to come back later."""
DEFAULT_WAIT = 2.0
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
MAY_BE_DONE = "It may have been carried out all the same: `evenkeel versions` says."

# The mail address is kept with each version, next to the token's name.
_HEADERS = {"X-Auth-Email": "EVENKEEL_EMAIL", **ACCESS}


class Wire:
    """The way to one balancer. Its token goes nowhere else: redirects are not followed."""

    def __init__(
        self,
        target: Target,
        token: str,
        timeout: float,
        world: World,
        tell: Callable[[str], None],
    ) -> None:
        """`timeout` is for each request, in seconds; `tell` is given what a person should know.

        Without a token, it is Access that says who sends a request.
        """
        self.target = target
        self._timeout = timeout
        self._world = world
        self._tell = tell
        environment = world.environment
        own = {
            header: sendable(environment[name], name)
            for header, name in _HEADERS.items()
            if environment.get(name)
        }
        self._client = httpx.Client(
            headers={
                **({"Authorization": f"Bearer {token}"} if token else {}),
                "User-Agent": AGENT,
                **own,
            },
            timeout=timeout,
            follow_redirects=False,
            # A proxy is of no use for what is on this machine.
            trust_env=not target.loopback,
        )
        self._proof: dict[str, str] | None = {} if token else None
        """What a change must bring along besides; None while that is not known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Read something."""
        return self._reply(self._read(path, query))

    def text(self, path: str) -> str:
        """Read something that is plain text when all is well."""
        response = self._read(path, None)
        if response.is_success and not is_html(response):
            return response.text
        self._reply(response)
        raise stranger(self.target, response)

    def post(self, path: str, body: object, *, if_match: int | None = None) -> Reply:
        """Change something, once."""
        try:
            response = self._send("POST", path, None, body, if_match)
        except Failure as failure:
            if failure.code is Exit.UNREACHABLE:
                failure.hints = (*failure.hints, MAY_BE_DONE)
            raise
        try:
            return self._reply(response)
        except Failure as failure:
            if response.is_server_error:
                failure.hints = (*failure.hints, MAY_BE_DONE)
            raise

    def try_out(self, path: str, query: Mapping[str, str], body: object) -> Reply:
        """Send what changes nothing, so that it may be sent again."""
        return self._reply(self._patiently("POST", path, query, body))

    def _reply(self, response: httpx.Response) -> Reply:
        return read(self.target, response, self._asked_to_wait(response))

    def _read(self, path: str, query: Mapping[str, str] | None) -> httpx.Response:
        return self._patiently("GET", path, query, None)

    def _patiently(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object
    ) -> httpx.Response:
        """Send a request, and again after the time that the balancer asks for."""
        for left in reversed(range(TRIES)):
            response = self._send(method, path, query, body, None)
            wait = self._asked_to_wait(response)
            if wait is None or not left or wait > LONGEST_WAIT:
                break
            self._tell(f"the balancer asks to wait for {wait:g} s ...")
            self._world.sleep(wait)
        return response

    def _asked_to_wait(self, response: httpx.Response) -> float | None:
        """Seconds until the request may be sent again; None when it need not."""
        given = response.headers.get("retry-after", "")
        if response.status_code == 429:
            wait = self._seconds(given)
            return DEFAULT_WAIT if wait is None else wait
        return self._seconds(given) if response.status_code == 503 else None

    def _seconds(self, retry_after: str) -> float | None:
        """What Retry-After says: seconds or a date (RFC 9110, 10.2.3)."""
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        try:
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self._world.now())
        except (ValueError, TypeError, OverflowError):
            return None

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: object,
        if_match: int | None,
    ) -> httpx.Response:
        """Send a request and read its whole answer, in the time that there is."""
        headers = {} if method == "GET" else dict(self._proven())
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        deadline = self._world.monotonic() + self._timeout
        try:
            with self._client.stream(
                method,
                self.target.url + path,
                params=query or None,
                json=body,
                headers=headers,
            ) as response:
                return self._whole(response, deadline)
        except httpx.TimeoutException:
            raise self._late() from None
        except httpx.ConnectError as error:
            raise Failure(
                Exit.UNREACHABLE, f"{self.target.origin}: cannot be reached: {_reason(error)}"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Failure(
                Exit.UNREACHABLE, f"{self.target.origin}: the connection failed: {_reason(error)}"
            ) from None

    def _proven(self) -> dict[str, str]:
        """The headers by which a change without a token is told from another site's doing."""
        if self._proof is None:
            session = self.get("/session").result
            csrf = session.get("csrf") if isinstance(session, dict) else None
            self._proof = {"Origin": self.target.origin, "X-CSRF-Token": plain(csrf or "")}
        return self._proof

    def _whole(self, response: httpx.Response, deadline: float) -> httpx.Response:
        """The answer with its body: time-outs of the client are for each piece alone."""
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if self._world.monotonic() > deadline:
                raise self._late()
            if len(body) > MOST_BYTES:
                raise Failure(Exit.UNREACHABLE, f"{self.target.origin}: the answer is too long")
        kept = {
            name: value
            for name, value in response.headers.items()
            # It is decoded by now, and whole.
            if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
        }
        return httpx.Response(
            response.status_code, headers=kept, content=bytes(body), request=response.request
        )

    def _late(self) -> Failure:
        return Failure(
            Exit.UNREACHABLE,
            f"{self.target.origin}: no answer in {self._timeout:g} s",
            "--timeout SECONDS waits longer.",
        )


def _reason(error: Exception) -> str:
    """What the library says of it. That has no header in it, as bad ones are refused before."""
    said = _NUMBER.sub("", str(error)) or type(error).__name__
    return plain(said).lower()
