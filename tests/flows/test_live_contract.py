"""The command line works with the balancer's own handlers."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from evenkeel.live.commands.adopt import OF_THE_FILE
from evenkeel.output.errors import Exit
from lb.admin.auth.cloudflare_access import AccessIdentity
from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.logins import description
from lb.admin.auth.signed_in import Role
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.admin.calls import enveloped
from lb.admin.codes import Code
from lb.admin.handlers.context import HandlerContext
from lb.model import Config
from lb.request.facts import RequestFacts
from support.commands import URL, Scripted, run
from support.office import FILE, Office
from support.state import START, World


@dataclass
class Balancer(Office):
    """A complete Durable Object; its clock is that of its World."""

    file: str = FILE + "session_affinity_attributes = { drain_duration = 300 }\n"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world = World(self.config, sql=self.sql)
        self.pass_time(1)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        config = self.store.effective.config
        assert config is not None
        return config

    @property
    def context(self) -> HandlerContext:
        if self.config is not self.world.config:
            self.world.evict(self.config)
        return replace(super().context, keeper=self.world.keeper)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with probes."""
        self.world.run_until(self.now - START + seconds)
        self.now = self.world.now

    @property
    def scripted(self) -> Scripted:
        """A host with the same clock and without a user."""
        scripted = Scripted(now=self.now)
        scripted.during = lambda _: self.pass_time(scripted.slept[-1])
        return scripted


@pytest.fixture
def office() -> Iterator[Balancer]:
    """Respond to requests as the balancer's Durable Object does."""
    office = Balancer()

    def answered(request: httpx.Request) -> httpx.Response:
        said = office.call(
            request.method,
            request.url.raw_path.decode().removeprefix("/_lb"),
            request.content.decode(),
            if_match=request.headers.get("if-match", ""),
        )
        headers = {"Content-Type": said.content_type, **dict(said.headers)}
        return httpx.Response(said.status, text=said.body, headers=headers)

    with respx.mock:
        respx.route(host=httpx.URL(URL).host).mock(side_effect=answered)
        yield office


@pytest.fixture
def file(tmp_path: Path, office: Balancer) -> Path:
    """The balancer's exported configuration."""
    file = tmp_path / "lb.toml"
    assert run("export", "-o", str(file)).code == Exit.FINE
    return file


def edited(file: Path, old: str, new: str) -> None:
    """Replace a text in the file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_an_exported_file_changes_nothing(office: Balancer, file: Path) -> None:
    """Applying an exported file makes no version, before and after adopting."""
    assert "Nothing to change" in run("apply", str(file), "--check").err
    assert office.store.version == 0

    run("adopt", "--yes")
    for _ in range(2):
        assert run("apply", str(file), "--yes").code == Exit.FINE
    assert office.store.version == 1
    assert run("export").out == file.read_text()


def test_the_first_apply_adopts(office: Balancer, file: Path) -> None:
    """The first apply adopts the file if the user agrees."""
    edited(file, "weight = 0.5", "weight = 0.25")

    assert run("apply", str(file), "--yes").code == Exit.USAGE
    assert office.store.version == 0

    ran = run("apply", str(file), "--yes", "--adopt")
    assert ran.code == Exit.FINE
    assert "origins[0].weight  0.5 → 0.25" in ran.out
    assert office.store.adopted
    assert office.store.version == 1


def test_versions_are_made_shown_and_restored(office: Balancer, file: Path) -> None:
    """Changes and rollbacks make versions, up to a rollback to the file."""
    assert run("versions", "--json").json == []
    run("adopt", "--yes")
    edited(file, "weight = 0.5", "weight = 0.25")
    run("apply", str(file), "--yes")

    listed = run("versions", "--json").json
    assert [each["version"] for each in listed] == [2, 1]
    assert [each["current"] for each in listed] == [True, False]
    assert "0.5 → 0.25" in run("versions", "2").out
    assert run("apply", str(file), "--check").code == Exit.FINE

    assert run("rollback", "--yes").code == Exit.FINE
    assert office.store.version == 3
    assert run("apply", str(file), "--check").code == Exit.NO
    assert run("rollback", "2", "--yes", "--json").json["version"] == 4
    assert run("apply", str(file), "--check").code == Exit.FINE

    assert run("rollback", "0", "--yes").code == Exit.FINE
    assert not office.store.adopted
    assert run("versions", "77").code == Exit.NO


def test_a_change_meanwhile_is_noticed(office: Balancer, file: Path) -> None:
    """If the configuration changes between the question and its answer, the user is asked again."""
    run("adopt", "--yes")
    edited(file, "weight = 0.5", "weight = 0.25")
    other = tomllib.loads(FILE.replace("weight = 0.5", "weight = 0.75"))

    asks: list[int] = []

    def asked() -> None:
        asks.append(office.store.version)
        if len(asks) == 2:  # The first one is about the token.
            office.call("POST", "/apply", other)

    ran = run("apply", str(file), answers="y\ny\n", scripted=Scripted(user=True, asked=asked))
    assert ran.code == Exit.FINE
    assert "The configuration has been changed meanwhile." in ran.err
    assert "0.5 → 0.25" in ran.out
    assert "0.75 → 0.25" in ran.out
    assert office.store.version == 3


def test_both_sides_have_the_same_code_for_an_object_of_the_file() -> None:
    """The handlers and the command line use the same code for an object of the file."""
    assert OF_THE_FILE == Code.FROM_FILE


def test_an_origin_is_drained_and_brought_back(office: Balancer) -> None:
    """Draining adopts first, waits, and is in the list of versions."""
    assert run("drain", "server-1", "--yes").code == Exit.NOT_ALLOWED
    scripted = office.scripted
    began = office.now

    ran = run("drain", "server-1", "--adopt", "--wait", "--json", scripted=scripted)

    assert ran.code == Exit.FINE, ran
    assert ran.json["version"] == 2
    assert ran.json["origin"]["state"] == "draining"
    assert 300 <= ran.json["waited"] == office.now - began < 310
    assert "server-1 " in run("status", scripted=office.scripted).out
    assert run("drain", "server-1", scripted=office.scripted).out.endswith("already.\n")

    back = run("enable", "primary/server-1", "--json", scripted=office.scripted).json
    assert (back["version"], back["origin"]["enabled"]) == (3, True)
    assert run("weight", "server-2", "0.25", "--json").json["origin"]["weight"] == 0.25
    assert run("weight", "server-2").out == "0.25\n"
    assert [each["summary"] for each in run("versions", "--json").json] == [
        "set the weight of server-2 in replica to 0.25",
        "enable server-1 in primary",
        "drain server-1 in primary",
        "adopt 4 objects of the file",
    ]


def test_disabling_the_last_origin_is_asked_about_and_refused(office: Balancer) -> None:
    """The user is asked before the last origin is disabled, which the balancer then refuses."""
    run("adopt", "--yes")
    assert run("disable", "server-1").code == Exit.FINE

    assert run("disable", "server-2").code == Exit.USAGE
    ran = run("disable", "server-2", "--yes")
    assert ran.code == Exit.NO
    assert "not one pool would have an origin that is enabled" in ran.err


def test_the_status_is_read(office: Balancer) -> None:
    """The status shows that both origins are healthy, then that one is down."""
    assert run("status", "--check", scripted=office.scripted).code == Exit.FINE

    office.world.down = {"one"}
    office.pass_time(300)

    ran = run("status", "--check", scripted=office.scripted)
    assert ran.code == Exit.NO
    assert ran.err == "evenkeel: service.example.com is degraded\n"
    line = next(line.split() for line in ran.out.splitlines() if "server-1" in line)
    assert line[:2] == ["server-1", "unhealthy"]
    assert "TCP" in line


def test_events_are_found_and_followed(office: Balancer) -> None:
    """Events are filtered by Cloudflare's parameters, and each new one is printed once."""
    assert {each["pool"]["name"] for each in events()} == {"primary", "replica"}
    assert [each["pool"]["name"] for each in events("--pool=replica")] == ["replica"]
    assert [each["pool"]["name"] for each in events("--origin=server-1")] == ["primary"]
    assert len(events("--number=1")) == 1
    before = events()

    def during(slept: int) -> None:
        office.pass_time(60)
        office.world.down = {"one"} if slept == 2 else set()
        if slept == 12:
            raise KeyboardInterrupt

    scripted = Scripted(now=office.now, during=during)
    told = events("--follow", scripted=scripted)

    assert told[: len(before)] == before
    assert [each["pool"]["healthy"] for each in told[len(before) :]] == [False, True]
    assert [each["id"] for each in told] == list(range(1, len(told) + 1))
    assert events("--since=1h", scripted=office.scripted) == told
    assert events("--since=0s", scripted=office.scripted) == []


def events(*options: str, scripted: Scripted | None = None) -> list[dict[str, Any]]:
    """Run `evenkeel events`."""
    ran = run("events", *options, "--json", scripted=scripted)
    assert ran.code == Exit.FINE, ran
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_service_token_of_access_is_enough(office: Balancer) -> None:
    """A permitted service token suffices; changes then have headers against request forgery."""
    tokens = tokens_of("a" * 40, "", "")
    assert isinstance(tokens, Tokens)
    gate = Gate(tokens)
    vouched = AccessIdentity(author="id.access", role=Role.ADMIN, until=office.now + 3600)

    def answered(request: httpx.Request) -> httpx.Response:
        facts = RequestFacts(request.method, str(request.url), request.headers.get)
        who = gate.authorize(facts, gate.authenticate(facts, vouched, office.now), office.now)
        if isinstance(who, Denial):
            said = enveloped(who.refusal)
        elif request.url.path.endswith("/session"):
            said = description(who)
        else:
            body = request.content.decode()
            path = request.url.path.removeprefix("/_lb")
            said = office.call(request.method, path, body, author=who.author)
        return httpx.Response(said.status, text=said.body)

    access = {"CF_ACCESS_CLIENT_ID": "id.access", "CF_ACCESS_CLIENT_SECRET": "secret"}
    with respx.mock:
        respx.route(host=httpx.URL(URL).host).mock(side_effect=answered)
        ran = run("adopt", "--yes", environment={"EVENKEEL_URL": URL, **access})

    assert ran.code == Exit.FINE, ran
    assert office.store.versions()[0].author == "id.access"
