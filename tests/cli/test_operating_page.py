"""docs/operating.md matches the commands that it describes."""

from __future__ import annotations

import re

import pytest

from evenkeel.app import COMMANDS
from evenkeel.dev.checkout import ROOT
from evenkeel.output.errors import Exit
from support.commands import run

PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")


def test_every_command_on_a_deployed_balancer_is_described() -> None:
    """Each has an example."""
    live = [name for panel, names in COMMANDS.items() if "deployed" in panel for name in names]

    assert [name for name in live if not re.search(rf"\bevenkeel {name}\b", PAGE)] == []


def test_every_exit_code_is_described() -> None:
    """The table has all codes of the enum."""
    assert re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE) == [str(int(code)) for code in Exit]


OURS = [name for names in COMMANDS.values() for name in names if name != "wrangler"]
"""All commands but the one whose help is another program's."""


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_help(name: str) -> None:
    """Commands on a deployed balancer all have the options to find it."""
    ran = run(name, "--help")

    assert ran.code == Exit.FINE
    asks = any(name in names for panel, names in COMMANDS.items() if "deployed" in panel)
    assert ("--url" in ran.out) is (asks and name != "token")


def test_every_named_command_exists() -> None:
    """Commands for a local run count too."""
    known = {name for names in COMMANDS.values() for name in names}
    named = set(re.findall(r"^(?:evenkeel|.*`evenkeel) ([a-z]+)", PAGE, re.MULTILINE))

    assert named
    assert named <= known
