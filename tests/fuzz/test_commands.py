"""Whatever a server sends, a command gets a reply or a failure and prints only printable text."""

from __future__ import annotations

from io import StringIO
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as some
from rich.console import Console

from evenkeel.live.client.answers import Reply, read
from evenkeel.live.client.document import left_without, origin_named, origins
from evenkeel.live.client.target import target_of
from evenkeel.live.commands.apply import path_of
from evenkeel.live.commands.changes import changes_of, counted, tree
from evenkeel.live.commands.events import lines
from evenkeel.live.commands.status import problems, shown
from evenkeel.live.commands.versions import table
from evenkeel.output.errors import Failure
from evenkeel.output.times import ago, clock, moment, until
from support.commands import NOW, URL
from support.hostile import anything, spoiled, text

STATUSES = some.sampled_from([200, 201, 204, 301, 302, 400, 401, 403, 404, 412, 429, 500, 503, 530])
names = some.sampled_from(["a", "b", "a/b", ""]) | text
origin = some.fixed_dictionaries(
    {"name": names | anything},
    optional={
        "state": text | anything,
        "why": text | anything,
        "since": text | anything,
        "until": text | anything,
        "share": some.floats() | anything,
        "weight": some.floats() | anything,
        "latency_ms": some.floats() | anything,
        "takes_new": anything,
        "healthy": anything,
        "changed": some.booleans() | anything,
        "enabled": anything,
        "failure_reason": text | anything,
    },
)
pool = some.fixed_dictionaries(
    {"name": names | anything},
    optional={"origins": some.lists(origin | anything, max_size=3) | anything, "state": anything},
)
load_balancer = some.fixed_dictionaries(
    {},
    optional={
        "name": names | anything,
        "health": anything,
        "enabled": anything,
        "default_pools": some.lists(names | anything, max_size=3) | anything,
        "other_pools": anything,
        "fallback_pool": names | anything,
    },
)
report = some.fixed_dictionaries(
    {},
    optional={
        "at": text | anything,
        "version": anything,
        "probed": text | anything,
        "warnings": some.lists(anything, max_size=3) | anything,
        "load_balancers": some.lists(load_balancer | anything, max_size=2) | anything,
        "pools": some.lists(pool | anything, max_size=3) | anything,
    },
)
change = some.fixed_dictionaries(
    {},
    optional={
        "action": some.sampled_from(["create", "update", "delete"]) | anything,
        "kind": anything,
        "name": anything,
        "fields": some.lists(
            some.fixed_dictionaries({}, optional={"path": anything, "after": anything}) | anything,
            max_size=3,
        )
        | anything,
    },
)


def printed(*parts: Any) -> str:
    """Return what a terminal without colours shows; every character must be printable."""
    output = StringIO()
    console = Console(file=output, highlight=False, width=200, color_system=None)
    for part in parts:
        console.print(part)
    told = output.getvalue()
    assert all(char.isprintable() or char == "\n" for char in told), told
    return told


def outcome(response: httpx.Response) -> Reply | str:
    """Return the reply, or the failure as printed."""
    try:
        return read(target_of(URL), response, None)
    except Failure as failure:
        return printed(failure.message, *failure.hints)


@given(some.binary(max_size=300), STATUSES, text)
def test_no_answer_confuses_a_command(content: bytes, status: int, location: str) -> None:
    """Any bytes and any redirect lead to a reply or a failure with a message."""
    headers = [(b"Location", location.encode("utf-8", "replace")), (b"Content-Type", b"\x1b[2J")]
    assert outcome(httpx.Response(status, content=content, headers=headers))


@given(spoiled(some.just({"success": True, "errors": [], "messages": [], "result": {}})), STATUSES)
def test_no_envelope_confuses_a_command(document: str, status: int) -> None:
    """A damaged envelope leads to a reply or a failure with a message."""
    assert outcome(httpx.Response(status, content=document.encode("utf-8", "replace")))


@given(report, names)
def test_every_report_can_be_shown_and_asked(found: dict[str, Any], name: str) -> None:
    """A status with any content, as from another version, can be printed and searched."""
    printed(*shown(found, NOW), *problems(found))
    for each in origins(found):
        left_without(found, each)
    try:
        origin_named(found, name)
    except Failure as failure:
        printed(failure.message, *failure.hints)


@given(
    some.fixed_dictionaries(
        {"pool": pool | anything}, optional={"timestamp": anything, "origins": some.lists(origin)}
    )
)
def test_every_event_can_be_shown(event: dict[str, Any]) -> None:
    """Any event can be printed as lines."""
    printed(*lines(event))


@given(some.fixed_dictionaries({"changes": some.lists(change | anything, max_size=3) | anything}))
def test_every_difference_can_be_shown(result: dict[str, Any]) -> None:
    """Any list of changes can be counted and printed."""
    changes = changes_of(result)

    assert counted(changes)
    printed(tree(changes))


@given(some.dictionaries(some.sampled_from(["at", "author", "summary", "current"]), anything))
def test_every_version_can_be_shown(version: dict[str, Any]) -> None:
    """Any version can be printed, with whichever of its fields there are."""
    assert printed(table([{"version": 1, **version}]))


@given(text)
def test_every_text_is_a_time_or_none(words: str) -> None:
    """Any text is a time, or is refused as an option and printed safely in a response."""
    printed(clock(words), ago(words, NOW), until(words, NOW))
    try:
        assert moment(words, NOW, "--since").endswith("Z")
    except Failure as failure:
        printed(failure.message)


@given(text)
def test_every_pointer_is_a_place_in_a_file(pointer: str) -> None:
    """Any JSON pointer becomes a path in the file."""
    assert path_of(pointer).startswith("$")


@given(text)
def test_every_url_is_a_target_or_refused(url: str) -> None:
    """Any text is a target's URL or is refused with a printable message."""
    try:
        assert target_of(url).url.startswith(("http://", "https://"))
    except Failure as failure:
        printed(failure.message)
