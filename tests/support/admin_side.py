"""The admin side of an isolate on CPython: scripted ports of the handlers, with an Office."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from lb.admin.pages.own_pages import OwnPages
from lb.admin.ports import Ports
from lb.admin.request_body import BodyProblem
from lb.admin.responses import Response
from lb.admin.run import AdminSide, admin_side
from lb.health.snapshot import Snapshot
from lb.log_events import Event
from lb.model import Access, Admin, Config
from lb.request.facts import RequestFacts
from support.access import AUDIENCE, certs, verified
from support.office import Office
from support.virtual_time import run

if TYPE_CHECKING:
    from lb.admin.auth.key_ring import Jwk

TOKEN = "an-admin-token-for-tests-0123456789_abcdef"
READ = "a-read-token-for-tests-0123456789_abcdefgh"
TOKENS = {"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": READ}
SITE = "https://lb.example.com"
SAME_PAGE = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
JSON = {"Content-Type": "application/json"}
TEAM = "https://team.cloudflareaccess.com"


def bearer(token: str = TOKEN) -> dict[str, str]:
    """Return the headers of a token."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class SentBody:
    """A body that a client sends: text, or an error while it is read."""

    content: str | BodyProblem
    reads: list[tuple[int, float]] = field(default_factory=list)
    """The size limit and time limit of each read."""

    async def read(self, largest: int, seconds: float) -> str | BodyProblem:
        self.reads.append((largest, seconds))
        return self.content


@dataclass
class OfficeObject:
    """The StateObject port that calls an Office; it may be slow, or raise."""

    office: Office
    seconds: float = 0.0
    error: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    """Replies in place of the office's, in order."""

    async def admin(self, text: str) -> str:
        self.calls.append(json.loads(text))
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        if self.replies:
            return self.replies.pop(0)
        return self.office.answer_text(text)


@dataclass
class Team:
    """The AccessTeam port of a team with its own keys."""

    answer: str | None
    fetched: list[tuple[str, int, float]] = field(default_factory=list)

    async def fetch_keys(self, url: str, largest: int, seconds: float) -> str | None:
        self.fetched.append((url, largest, seconds))
        return self.answer

    async def verify(self, key: Jwk, signed: bytes, signature: bytes) -> bool:
        return verified(key, signed, signature)


@dataclass
class Front:
    """One isolate's admin side and everything it calls."""

    variables: dict[str, str] = field(default_factory=lambda: dict(TOKENS))
    admin: Admin = field(default_factory=Admin)
    view: Callable[[float], tuple[Config, Snapshot]] | None = None
    bound: bool = True
    follow_seconds: float = 0.0
    follow_error: Exception | None = None

    def __post_init__(self) -> None:
        self.office = Office()
        self.object = OfficeObject(self.office)
        self.team = Team(None)
        self.logged: list[Event] = []
        self.followed: list[int] = []
        self.took = 0.0
        """Duration of the latest response, in seconds."""
        numbers = count(1)
        ports = Ports(
            state_object=self.object if self.bound else None,
            access_team=self.team,
            follow=self._follow,
            session_id=lambda: f"session-{next(numbers)}",
            clock=lambda: self.office.now,
            log=self.logged.append,
        )
        pages = OwnPages(self.admin, self.view or _nothing, lambda: self.office.now)
        self.made = admin_side(self.admin, self.variables, ports, pages)

    @property
    def side(self) -> AdminSide:
        """The admin side, which must be enabled."""
        assert self.made is not None
        return self.made

    async def _follow(self, version: int, /) -> None:
        await asyncio.sleep(self.follow_seconds)
        if self.follow_error is not None:
            raise self.follow_error
        self.followed.append(version)

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: str | BodyProblem | SentBody | None = None,
    ) -> Response:
        """Send a request to a path below the admin path."""
        found = {name.lower(): value for name, value in (headers or {}).items()}
        facts = RequestFacts(method, f"{SITE}{self.admin.path}{path}", found.get)
        sent = body if isinstance(body, SentBody) or body is None else SentBody(body)

        async def timed() -> Response:
            loop = asyncio.get_running_loop()
            started = loop.time()
            response = await self.side.answer(facts, sent)
            self.took = loop.time() - started
            return response

        return run(timed())

    def log_in(self, token: str = TOKEN) -> dict[str, str]:
        """Begin a session as the page does; return the Cookie header."""
        answer = self.send("POST", "/session", {**JSON, **SAME_PAGE}, json.dumps({"token": token}))
        assert answer.status == 204, answer.body
        return {"Cookie": header(answer, "Set-Cookie").partition(";")[0]}

    def page(self, token: str = TOKEN) -> dict[str, str]:
        """Begin a session; return all headers that the page sends with a change."""
        cookie = self.log_in(token)
        csrf = result(self.send("GET", "/session", cookie))["csrf"]
        return {**cookie, **SAME_PAGE, "X-CSRF-Token": csrf}


def _nothing(now: float) -> tuple[Config, Snapshot]:
    return Config(load_balancers=(), pools=()), Snapshot({}, {}, now)


def with_access(**lists: tuple[str, ...]) -> Front:
    """Return an admin side that trusts an Access team, whose keys can be fetched."""
    front = Front(admin=Admin(access=Access(team=TEAM, audience=AUDIENCE, **lists)))
    front.team.answer = certs("k1").decode()
    return front


def header(answer: Response, name: str) -> str:
    """Return a response header; "" = absent."""
    return {each.lower(): value for each, value in answer.headers}.get(name.lower(), "")


def result(answer: Response) -> Any:
    """Return the result of a successful call."""
    document = json.loads(answer.body)
    assert document["success"] is True, document
    return document["result"]


def reason(answer: Response) -> tuple[int, int, str]:
    """Return the status, code and message of a refusal."""
    document = json.loads(answer.body)
    assert document["success"] is False
    assert document["result"] is None
    (error,) = document["errors"]
    return answer.status, error["code"], error["message"]
