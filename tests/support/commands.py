"""Runs commands against a deployed balancer, with a scripted clock, environment and terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from typer.testing import CliRunner

from evenkeel.app import app
from evenkeel.live.client.host import Host

URL = "https://lb.example.com"
ADMIN = f"{URL}/_lb"
TOKEN = "a-token-that-nobody-may-see-0123456789"
NOW = 1_795_000_000.0
"""2026-11-18T11:06:40Z."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON in the output."""
        return json.loads(self.out)


@dataclass(slots=True)
class Scripted:
    """A host whose time passes only in `sleep`, which calls `during`."""

    user: bool = False
    during: Callable[[int], None] = lambda number: None  # noqa: ARG005
    """Called with 1, 2, ... at each sleep."""
    asked: Callable[[], None] = lambda: None
    """Called when a command asks whether there is a user."""
    now: float = NOW
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds
        self.during(len(self.slept))

    def has_user(self) -> bool:
        """Whether there is a user to ask."""
        self.asked()
        return self.user

    def host(self, environment: Mapping[str, str]) -> Host:
        """The host of a command."""
        return Host(
            sleep=self.sleep,
            now=lambda: self.now,
            monotonic=lambda: self.now,
            environment=environment,
            has_user=self.has_user,
        )


def run(
    *arguments: str,
    scripted: Scripted | None = None,
    answers: str = "",
    environment: Mapping[str, str] | None = None,
    host: Host | None = None,
) -> Ran:
    """Run `evenkeel`; `answers` is the user's input, if there is a user. `host` may be real."""
    known = {"EVENKEEL_URL": URL, "EVENKEEL_TOKEN": TOKEN}
    given = known if environment is None else environment
    if host is None:
        host = (scripted or Scripted(user=bool(answers))).host(given)
    result = CliRunner().invoke(
        app, list(arguments), obj=host, input=answers, env={**dict.fromkeys(CLEARED), **given}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


CLEARED = (
    "EVENKEEL_URL",
    "EVENKEEL_TOKEN",
    "EVENKEEL_TOKEN_FILE",
    "EVENKEEL_ADMIN_PATH",
    "LB_ADMIN_TOKEN",
    "LB_READ_TOKEN",
)
"""Variables of the real environment that are hidden from a test."""


def good(result: Any, *, messages: tuple[str, ...] = (), **info: int) -> httpx.Response:
    """A successful response in Cloudflare's envelope."""
    document = {
        "success": True,
        "errors": [],
        "messages": [{"code": 1000, "message": message} for message in messages],
        "result": result,
    }
    return httpx.Response(200, json={**document, **({"result_info": info} if info else {})})


def bad(
    status: int,
    message: str,
    pointer: str = "",
    headers: Mapping[str, str] | None = None,
    code: int = 1002,
) -> httpx.Response:
    """A refusal in Cloudflare's envelope."""
    error: dict[str, Any] = {"code": code, "message": message}
    if pointer:
        error["source"] = {"pointer": pointer}
    document = {"success": False, "errors": [error], "messages": [], "result": None}
    return httpx.Response(status, json=document, headers=headers)
