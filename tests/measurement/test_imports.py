"""Parts that the measuring programs share are in measure/common."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import measure

ROOM = Path(measure.__file__).parent
PROGRAMS = ("bench", "faults", "soak")


def imported(folder: Path) -> set[str]:
    """The rooms of measure/ that a room's modules import."""
    trees = [ast.parse(path.read_text()) for path in folder.rglob("*.py")]
    names = [
        node.module or ""
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    ]
    return {name.split(".")[1] for name in names if name.startswith("measure.")}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_imports_itself_and_the_common_room(program: str) -> None:
    """The soak once imported the faults, and these the bench: a change of one broke another."""
    assert imported(ROOM / program) == {program, "common"}


def test_the_common_room_imports_no_program() -> None:
    """The common room is below all programs."""
    assert imported(ROOM / "common") == {"common"}
