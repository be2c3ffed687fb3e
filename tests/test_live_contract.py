"""The command line and the balancer's own handlers understand each other."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx

from evenkeel.live.failures import Exit
from support.commands import URL, Scripted, run
from support.office import FILE, Office


@pytest.fixture
def office() -> Iterator[Office]:
    """Answer what is sent to the balancer as its Durable Object would."""
    office = Office()

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
def file(tmp_path: Path, office: Office) -> Path:
    """What the balancer exports."""
    file = tmp_path / "lb.toml"
    assert run("export", "-o", str(file)).code == Exit.FINE
    return file


def edited(file: Path, old: str, new: str) -> None:
    """Change a file's text."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_was_exported_is_nothing_to_apply(office: Office, file: Path) -> None:
    """Before adopting and after it; no version is made."""
    assert "Nothing to change" in run("apply", str(file), "--check").err
    assert office.store.version == 0

    run("adopt", "--yes")
    for _ in range(2):
        assert run("apply", str(file), "--yes").code == Exit.FINE
    assert office.store.version == 1
    assert run("export").out == file.read_text()


def test_the_first_apply_adopts(office: Office, file: Path) -> None:
    """Which has to be agreed to."""
    edited(file, "weight = 0.5", "weight = 0.25")

    assert run("apply", str(file), "--yes").code == Exit.USAGE
    assert office.store.version == 0

    ran = run("apply", str(file), "--yes", "--adopt")
    assert ran.code == Exit.FINE
    assert "origins[0].weight  0.5 → 0.25" in ran.out
    assert office.store.adopted
    assert office.store.version == 1


def test_versions_are_made_shown_and_gone_back_to(office: Office, file: Path) -> None:
    """From the file's own to the third and back."""
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


def test_somebody_who_is_quicker_is_noticed(office: Office, file: Path) -> None:
    """Between the look and the yes."""
    run("adopt", "--yes")
    edited(file, "weight = 0.5", "weight = 0.25")
    other = tomllib.loads(FILE.replace("weight = 0.5", "weight = 0.75"))

    asks: list[int] = []

    def asked() -> None:
        asks.append(office.store.version)
        if len(asks) == 2:  # the first is about the token
            office.call("POST", "/apply", other)

    ran = run("apply", str(file), answers="y\ny\n", scripted=Scripted(person=True, asked=asked))
    assert ran.code == Exit.FINE
    assert "Somebody has changed the configuration meanwhile." in ran.err
    assert "0.5 → 0.25" in ran.out
    assert "0.75 → 0.25" in ran.out
    assert office.store.version == 3
