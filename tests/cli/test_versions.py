"""`evenkeel versions`, `rollback`, `adopt`, `export` and `apply`: the whole configuration."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from evenkeel.live.commands.apply import path_of
from evenkeel.live.commands.changes import counted, value
from evenkeel.live.commands.export import as_json
from evenkeel.output.errors import Exit
from support.commands import ADMIN, TOKEN, Ran, bad, good, run

WEIGHT = "$.pools[0].origins[0].weight"
VERSIONS = f"{ADMIN}/versions"
APPLY = f"{ADMIN}/apply"
CHANGES: list[dict[str, Any]] = [
    {
        "action": "update",
        "kind": "pools",
        "name": "primary",
        "id": "0" * 32,
        "fields": [{"path": "origins[0].weight", "before": 1, "after": 0.5}],
    },
    {"action": "create", "kind": "monitors", "name": "web", "id": "1" * 32, "fields": []},
    {"action": "delete", "kind": "load_balancers", "name": "old.example.com", "fields": []},
]
CONFIG = """\
[[pools]]
name = "primary"
origins = [
  { name = "a", address = "a.example.com", weight = 0.5 },
]

[[load_balancers]]
name = "service.example.com"
default_pools = ["primary"]
fallback_pool = "primary"
"""


def version(number: int, summary: str, *, current: bool = False) -> dict[str, Any]:
    """A version of the list."""
    at = f"2026-11-18T10:00:{number % 60:02d}Z"
    author = "admin token"
    return {"version": number, "at": at, "author": author, "summary": summary, "current": current}


LISTED = [version(3, "weight of a", current=True), version(2, "drain b"), version(1, "adopted")]


def changes(*, at: int = 3, applied: bool = False, those: list[Any] | None = None) -> Any:
    """The response to apply."""
    shown = CHANGES if those is None else those
    return good({"version": at, "changes": shown, "applied": applied})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good configuration."""
    written = tmp_path / "lb.toml"
    written.write_text(CONFIG)
    return written


def applying(file: Path, *options: str, answers: str = "") -> Ran:
    """Run `evenkeel apply`."""
    return run("apply", str(file), *options, answers=answers)


@respx.mock
def test_versions_are_listed_the_newest_first() -> None:
    """Each has its time, author and summary; the current one is marked."""
    respx.get(VERSIONS).mock(return_value=good(LISTED[::-1]))

    lines = [line.split() for line in run("versions").out.splitlines()]

    assert [line[0] for line in lines] == ["3", "2", "1"]
    assert lines[0][1] == "current"
    assert lines[0][-5:] == ["admin", "token", "weight", "of", "a"]
    assert run("versions", "--json").json == LISTED


@respx.mock
def test_only_the_latest_versions_are_printed() -> None:
    """--all prints the others too, and --json has all."""
    respx.get(VERSIONS).mock(return_value=good([version(n, "x") for n in range(30)]))

    ran = run("versions")

    assert len(ran.out.splitlines()) == 20
    assert "and 10 earlier ones" in ran.err
    assert len(run("versions", "--all").out.splitlines()) == 30
    assert len(run("versions", "--json").json) == 30


@respx.mock
def test_an_empty_list_of_versions_has_a_message() -> None:
    """The list of a balancer that was never changed is empty."""
    respx.get(VERSIONS).mock(return_value=good([]))

    ran = run("versions")

    assert (ran.code, ran.out) == (Exit.FINE, "")
    assert "No versions yet" in ran.err


@respx.mock
def test_one_version_is_printed_with_its_changes() -> None:
    """The changes have objects and their fields, before and after."""
    respx.get(f"{VERSIONS}/3").mock(return_value=good({**LISTED[0], "changes": CHANGES}))

    ran = run("versions", "3")

    assert [line.rstrip() for line in ran.out.splitlines()[1:]] == [
        "~ update pool primary",
        "└── origins[0].weight  1 → 0.5",
        "+ create monitor web",
        "- delete load balancer old.example.com",
    ]
    assert run("versions", "3", "--json").json["changes"] == CHANGES


@respx.mock
def test_a_missing_version_is_a_no() -> None:
    """The balancer's refusal has exit code 1."""
    respx.get(f"{VERSIONS}/9").mock(return_value=bad(404, "there is no version 9"))

    assert run("versions", "9").code == Exit.NO


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "unset"),
        (True, "true"),
        ("a\nb", '"a\ufffdb"'),
        (["x", 1, {"k": None}], '["x", 1, { k = unset }]'),
        ({}, "{}"),
        ([1.0, 0.5, 10**15, float("inf")], "[1, 0.5, 1000000000000000, inf]"),
        ("x" * 80, f'"{"x" * 58}…'),
    ],
)
def test_values_are_shown_on_one_line(found: object, words: str) -> None:
    """Long values are cut off, and control characters replaced."""
    assert value(found) == words


def test_changes_are_counted_by_action() -> None:
    """The question contains the counts."""
    assert counted(CHANGES) == "1 to create, 1 to update, 1 to delete"
    assert counted([]) == "nothing to change"


@respx.mock
def test_rollback_prints_what_it_undoes_and_asks() -> None:
    """It is conditional on the version that was shown."""
    respx.get(VERSIONS).mock(return_value=good(LISTED))
    route = respx.post(f"{VERSIONS}/1/rollback").mock(return_value=good({"version": 4}))

    declined = run("rollback", "1", answers="n\n")
    assert declined.code == Exit.NO
    assert "weight of a" in declined.err
    assert "drain b" in declined.err
    assert "adopted" not in declined.err
    assert not route.called

    ran = run("rollback", "1", answers="y\n")
    assert ran.code == Exit.FINE
    assert ran.out.endswith("Rolled back to version 1: version 4.\nTo undo: evenkeel rollback 3\n")
    assert route.calls.last.request.headers["if-match"] == '"3"'
    assert run("rollback", "1", "--yes", "--json").json == {"version": 4}


@respx.mock
def test_rollback_alone_goes_back_one_version() -> None:
    """The version before the current one is restored."""
    respx.get(VERSIONS).mock(return_value=good(LISTED))
    route = respx.post(f"{VERSIONS}/2/rollback").mock(return_value=good({"version": 4}))

    assert run("rollback", "--yes").code == Exit.FINE
    assert route.called


@respx.mock
def test_the_file_comes_before_the_first_version() -> None:
    """Version 0 is in no list, but can be restored."""
    respx.get(VERSIONS).mock(return_value=good([version(1, "adopted", current=True)]))
    route = respx.post(f"{VERSIONS}/0/rollback").mock(return_value=good({"version": 2}))

    ran = run("rollback", "--yes")

    assert ran.code == Exit.FINE
    assert "Rolled back to the deployed file: version 2." in ran.out
    assert run("rollback", "0", "--yes").code == Exit.FINE
    assert route.call_count == 2


@pytest.mark.parametrize(
    ("listed", "arguments", "code", "message"),
    [
        (LISTED, ("9",), Exit.USAGE, "there is no version 9; versions: 3, 2, 1, 0"),
        (LISTED, ("3",), Exit.USAGE, "version 3 is the current one"),
        ([], (), Exit.NO, "nothing has been changed yet"),
        (
            LISTED,
            ("1",),
            Exit.USAGE,
            "(Roll back to version 1?): --yes answers yes",
        ),
    ],
)
@respx.mock
def test_an_impossible_rollback_is_not_sent(
    listed: list[Any], arguments: tuple[str, ...], code: Exit, message: str
) -> None:
    """The message has the existing versions."""
    respx.get(VERSIONS).mock(return_value=good(listed))

    ran = run("rollback", *arguments)

    assert ran.code == code
    assert message in ran.err


@respx.mock
def test_a_rollback_after_another_change_has_its_own_exit_code() -> None:
    """It would undo other changes than those that were shown."""
    respx.get(VERSIONS).mock(return_value=good(LISTED))
    respx.post(f"{VERSIONS}/2/rollback").mock(return_value=bad(412, "it is at version 4"))

    assert run("rollback", "--yes").code == Exit.CHANGED


@respx.mock
def test_adopt_explains_asks_and_lists() -> None:
    """Adopting is explained, and needs a yes."""
    adopted = {"version": 1, "adopted": [{"kind": "pools", "name": "primary", "id": "0" * 32}]}
    route = respx.post(f"{ADMIN}/adopt").mock(return_value=good(adopted))

    assert run("adopt", answers="n\n").code == Exit.NO
    assert run("adopt").code == Exit.USAGE
    assert not route.called

    ran = run("adopt", answers="y\n")
    assert ran.code == Exit.FINE
    assert "the file's version of them is ignored" in ran.err
    assert "pool primary" in ran.err
    assert "Adopted: version 1." in ran.err
    assert run("adopt", "--yes", "--json").json == adopted


@respx.mock
def test_export_prints_the_file_and_nothing_else() -> None:
    """The output can be redirected into a file."""
    text = CONFIG + "# Größe\n"
    respx.get(f"{ADMIN}/export").mock(return_value=httpx.Response(200, text=text))

    ran = run("export")

    assert (ran.code, ran.out, ran.err) == (Exit.FINE, text, "")
    assert run("export", "--json").json == tomllib.loads(text)


@respx.mock
def test_export_writes_a_file_all_or_nothing(tmp_path: Path) -> None:
    """A failure leaves the old file; its mode stays."""
    file = tmp_path / "lb.toml"
    file.write_text("before")
    file.chmod(0o640)
    route = respx.get(f"{ADMIN}/export")

    route.mock(return_value=bad(500, "a fault"))
    assert run("export", "-o", str(file)).code == Exit.UNREACHABLE
    assert file.read_text() == "before"

    route.mock(return_value=httpx.Response(200, text="a = ["))
    assert run("export", "-o", str(file)).code == Exit.UNREACHABLE
    assert file.read_text() == "before"

    route.mock(return_value=httpx.Response(200, text=CONFIG))
    assert run("export", "-o", str(file)).code == Exit.FINE
    assert file.read_text() == CONFIG
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["lb.toml"]
    assert run("export", "-o", str(tmp_path / "none" / "x")).code == Exit.USAGE


@respx.mock
def test_export_refuses_a_web_page() -> None:
    """A site may answer every request with 200 and HTML."""
    page = httpx.Response(200, text="<h1>hi", headers={"Content-Type": "text/html"})
    respx.get(f"{ADMIN}/export").mock(return_value=page)

    assert run("export").code == Exit.UNREACHABLE


def test_times_of_toml_become_strings() -> None:
    """JSON has no times."""
    document = tomllib.loads("a = [{ at = 2026-12-01T22:00:00Z }]")

    assert as_json(document) == {"a": [{"at": "2026-12-01T22:00:00+00:00"}]}


@respx.mock
def test_apply_shows_asks_and_applies(file: Path) -> None:
    """The file is sent as JSON, on condition that nothing has changed meanwhile."""
    route = respx.post(APPLY).mock(side_effect=[changes(), changes(at=4, applied=True)])

    ran = applying(file, answers="y\n")

    assert ran.code == Exit.FINE
    assert "origins[0].weight  1 → 0.5" in ran.out
    assert "Apply this (1 to create, 1 to update, 1 to delete)?" in ran.err
    assert ran.out.endswith("Applied: version 4.\nTo undo: evenkeel rollback 3\n")
    tried, applied = (call.request for call in route.calls)
    assert dict(tried.url.params) == {"dry_run": "true"}
    assert "if-match" not in tried.headers
    assert dict(applied.url.params) == {}
    assert applied.headers["if-match"] == '"3"'
    assert json.loads(tried.content) == json.loads(applied.content) == tomllib.loads(CONFIG)


@respx.mock
def test_apply_changes_nothing_without_a_yes(file: Path) -> None:
    """The answer no ends it, and so does a missing user without --yes."""
    route = respx.post(APPLY).mock(return_value=changes())

    assert applying(file, answers="n\n").code == Exit.NO
    alone = applying(file)
    assert alone.code == Exit.USAGE
    assert "--yes" in alone.err
    assert all("dry_run" in call.request.url.params for call in route.calls)


@respx.mock
def test_apply_of_the_present_configuration_changes_nothing(file: Path) -> None:
    """There is no question and no new version."""
    route = respx.post(APPLY).mock(return_value=changes(those=[]))

    ran = applying(file)

    assert ran.code == Exit.FINE
    assert "Nothing to change" in ran.err
    assert applying(file, "--check").code == Exit.FINE
    assert applying(file, "--json").json == {"version": 3, "changes": [], "applied": False}
    assert all("dry_run" in call.request.url.params for call in route.calls)


@respx.mock
def test_check_says_whether_there_is_a_difference(file: Path) -> None:
    """Nothing is changed, so a nightly job can run it."""
    route = respx.post(APPLY).mock(return_value=changes())

    ran = applying(file, "--check", "--json")

    assert ran.code == Exit.NO
    assert "differs: 1 to create" in ran.err
    assert ran.json == {"version": 3, "changes": CHANGES, "applied": False}
    assert route.call_count == 1


@respx.mock
def test_apply_prints_json(file: Path) -> None:
    """The JSON is the balancer's result; the changes go to the standard error."""
    respx.post(APPLY).mock(side_effect=[changes(), changes(at=4, applied=True)])

    ran = applying(file, "--yes", "--json")

    assert ran.json == {"version": 4, "changes": CHANGES, "applied": True}
    assert "origins[0].weight" in ran.err


@respx.mock
def test_a_change_meanwhile_is_noticed(file: Path) -> None:
    """A user sees the new changes and is asked again; a script gets an exit code."""
    other = [{**CHANGES[0], "name": "other"}]
    answers = [changes(), bad(412, "it is at version 4"), changes(at=4, those=other)]
    route = respx.post(APPLY).mock(side_effect=[*answers, changes(at=5, applied=True), *answers])

    ran = applying(file, answers="y\ny\n")
    assert ran.code == Exit.FINE
    assert "The configuration has been changed meanwhile." in ran.err
    assert "update pool other" in ran.out
    assert route.calls.last.request.headers["if-match"] == '"4"'

    script = applying(file, "--yes")
    assert script.code == Exit.CHANGED
    assert "update pool other" in script.out


def test_a_bad_file_is_not_sent(tmp_path: Path) -> None:
    """Its problems are printed with their lines, as by `evenkeel check`."""
    file = tmp_path / "lb.toml"
    file.write_text(CONFIG.replace("weight = 0.5", "weight = 2"))

    ran = applying(file, "--yes")

    assert ran.code == Exit.NO
    assert f"{file}:4: must be from 0 to 1, not 2 @ $.pools[0].origins[0].weight" in ran.err
    assert "nothing was sent" in ran.err
    assert ran.out == ""
    assert applying(tmp_path / "none.toml").code == Exit.USAGE


@respx.mock
def test_a_refusal_of_the_balancer_has_its_line_too(file: Path) -> None:
    """The balancer may have another version with other rules."""
    respx.post(APPLY).mock(
        return_value=bad(400, f"is too heavy @ {WEIGHT}", "/pools/0/origins/0/weight")
    )

    ran = applying(file, "--yes")

    assert ran.code == Exit.NO
    assert f"{file}:4: is too heavy @ {WEIGHT}\n" in ran.err


@respx.mock
def test_the_first_apply_adopts_after_a_question(file: Path) -> None:
    """--yes does not answer it; a user is asked about it separately."""
    dry = {"version": 0, "changes": CHANGES, "applied": False, "adopts": True}
    route = respx.post(APPLY).mock(return_value=good(dry))

    script = applying(file, "--yes")
    assert script.code == Exit.USAGE
    assert "--adopt answers yes" in script.err
    assert applying(file, answers="n\n").code == Exit.NO
    assert all("dry_run" in call.request.url.params for call in route.calls)

    asked = applying(file, answers="y\ny\n")
    assert asked.code == Exit.FINE
    assert "The first apply adopts." in asked.err
    assert applying(file, "--yes", "--adopt").code == Exit.FINE


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("", "$"),
        ("/pools/0/origins/12/weight", "$.pools[0].origins[12].weight"),
        ("/pools/0/origins/0/header/a~1b~0c", '$.pools[0].origins[0].header["a/b~c"]'),
    ],
)
def test_a_pointer_is_a_path(pointer: str, path: str) -> None:
    """A JSON pointer (RFC 6901) becomes the path under which lines are found."""
    assert path_of(pointer) == path


@respx.mock
def test_no_command_prints_the_token(file: Path) -> None:
    """Failures of all commands are without it."""
    respx.route().mock(return_value=bad(400, "no"))

    for command in (
        ("status",),
        ("events",),
        ("versions",),
        ("export",),
        ("adopt", "--yes"),
        ("rollback", "1", "--yes"),
        ("apply", str(file), "--yes"),
        ("drain", "a", "--yes"),
    ):
        ran = run(*command)
        assert ran.code == Exit.NO, command
        assert TOKEN not in ran.out + ran.err
