"""HTTP requests to a balancer's admin side."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import httpx

from evenkeel.live.client.answers import Reply, is_html, not_evenkeel, read
from evenkeel.live.client.host import Host
from evenkeel.live.client.target import Target
from evenkeel.live.client.token_source import ACCESS, sendable
from evenkeel.output.errors import Exit, Failure, plain

AGENT = "evenkeel-cli"
MOST_BYTES = 64 * 1024 * 1024
TRIES = 3
LONGEST_WAIT = 60.0
"""Longest Retry-After, in seconds, that a read waits for."""
DEFAULT_WAIT = 2.0
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
MAY_BE_DONE = "The change may still have been made: check with `evenkeel versions`."

# The mail address is stored with each version, next to the token's name.
_HEADERS = {"X-Auth-Email": "EVENKEEL_EMAIL", **ACCESS}


class Wire:
    """The connection to one balancer. Redirects are not followed, to protect the token."""

    def __init__(
        self,
        target: Target,
        token: str,
        timeout: float,
        host: Host,
        report: Callable[[str], None],
    ) -> None:
        """`timeout` is for each request, in seconds; `report` prints a line for the user.

        Without a token, Access authenticates each request.
        """
        self.target = target
        self._timeout = timeout
        self._host = host
        self._report = report
        environment = host.environment
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
            # A proxy does not reach this machine.
            trust_env=not target.loopback,
        )
        self._proof: dict[str, str] | None = {} if token else None
        """Further headers of a change; None until they are known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Send a GET request."""
        return self._reply(self._read(path, query))

    def text(self, path: str) -> str:
        """Send a GET request for plain text."""
        response = self._read(path, None)
        if response.is_success and not is_html(response):
            return response.text
        self._reply(response)
        raise not_evenkeel(self.target, response)

    def post(self, path: str, body: object, *, if_match: int | None = None) -> Reply:
        """Make a change; sent once."""
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
        """Send a POST that changes nothing, and may be repeated."""
        return self._reply(self._patiently("POST", path, query, body))

    def _reply(self, response: httpx.Response) -> Reply:
        return read(self.target, response, self._asked_to_wait(response))

    def _read(self, path: str, query: Mapping[str, str] | None) -> httpx.Response:
        return self._patiently("GET", path, query, None)

    def _patiently(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object
    ) -> httpx.Response:
        """Send a request, and repeat it after the Retry-After of the response."""
        for left in reversed(range(TRIES)):
            response = self._send(method, path, query, body, None)
            wait = self._asked_to_wait(response)
            if wait is None or not left or wait > LONGEST_WAIT:
                break
            self._report(f"waiting for {wait:g} s, as the balancer asks ...")
            self._host.sleep(wait)
        return response

    def _asked_to_wait(self, response: httpx.Response) -> float | None:
        """Seconds until the request may be repeated; None if it need not be."""
        given = response.headers.get("retry-after", "")
        if response.status_code == 429:
            wait = self._seconds(given)
            return DEFAULT_WAIT if wait is None else wait
        return self._seconds(given) if response.status_code == 503 else None

    def _seconds(self, retry_after: str) -> float | None:
        """The seconds of Retry-After, which is a number or a date (RFC 9110, 10.2.3)."""
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        try:
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self._host.now())
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
        """Send a request, and read the whole response within the time-out."""
        headers = {} if method == "GET" else dict(self._proven())
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        deadline = self._host.monotonic() + self._timeout
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
        """The headers that protect a change without a token from request forgery."""
        if self._proof is None:
            session = self.get("/session").result
            csrf = session.get("csrf") if isinstance(session, dict) else None
            self._proof = {"Origin": self.target.origin, "X-CSRF-Token": plain(csrf or "")}
        return self._proof

    def _whole(self, response: httpx.Response, deadline: float) -> httpx.Response:
        """The response with its body; the client's time-out is for each piece alone."""
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if self._host.monotonic() > deadline:
                raise self._late()
            if len(body) > MOST_BYTES:
                raise Failure(Exit.UNREACHABLE, f"{self.target.origin}: the response is too long")
        kept = {
            name: value
            for name, value in response.headers.items()
            # The body is decoded and complete by now.
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
    """The library's message. It contains no header, as bad headers are refused before."""
    message = _NUMBER.sub("", str(error)) or type(error).__name__
    return plain(message).lower()
