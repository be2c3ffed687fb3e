"""Runs the commands against a deployed balancer, with a scripted world in place of the machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from typer.testing import CliRunner

from evenkeel.app import app
from evenkeel.live.client.host import World

URL = "https://lb.example.com"
ADMIN = f"{URL}/_lb"
TOKEN = "a-token-that-nobody-may-see-0123456789"
NOW = 1_795_000_000.0
"""2026-11-18T11:06:40Z."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, for programs."""
        return json.loads(self.out)


@dataclass(slots=True)
class Scripted:
    """A world in which time passes only when it is slept, and `during` happens meanwhile."""

    person: bool = False
    during: Callable[[int], None] = lambda number: None  # noqa: ARG005
    """Called with 1, 2, ... at each sleep."""
    asked: Callable[[], None] = lambda: None
    """Called when it is looked whether there is a person."""
    now: float = NOW
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds
        self.during(len(self.slept))

    def has_person(self) -> bool:
        """Whether there is somebody to ask."""
        self.asked()
        return self.person

    def world(self, environment: Mapping[str, str]) -> World:
        """The commands' view of it."""
        return World(
            sleep=self.sleep,
            now=lambda: self.now,
            monotonic=lambda: self.now,
            environment=environment,
            has_person=self.has_person,
        )


def run(
    *arguments: str,
    scripted: Scripted | None = None,
    answers: str = "",
    environment: Mapping[str, str] | None = None,
    world: World | None = None,
) -> Ran:
    """Run `evenkeel`; `answers` is what a person types, if there is one. `world` may be real."""
    known = {"EVENKEEL_URL": URL, "EVENKEEL_TOKEN": TOKEN}
    given = known if environment is None else environment
    if world is None:
        world = (scripted or Scripted(person=bool(answers))).world(given)
    result = CliRunner().invoke(
        app, list(arguments), obj=world, input=answers, env={**dict.fromkeys(CLEARED), **given}
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
"""What the machine's own environment must not bring into a test."""


def good(result: Any, *, messages: tuple[str, ...] = (), **info: int) -> httpx.Response:
    """An answer in Cloudflare's envelope."""
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
