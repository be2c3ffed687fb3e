"""The rules of the rooms of src/lb, as docs/architecture.md tells them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

SRC = Path(__file__).parents[1] / "src"
LB = SRC / "lb"

# A package imports packages of lower floors, and itself.
FLOORS = (
    ("base", "version"),
    ("model",),
    ("request", "log_events"),
    ("ports", "expressions", "health"),
    ("config", "selection", "state"),
    ("catalog", "proxy", "probing", "notify"),
    ("metrics",),
    ("object",),
    ("admin",),
    ("worker",),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

MOST_ENTRIES = 20
"""Packages and modules at the top of src/lb."""
MOST_LINES = 320

LONGER: dict[str, str] = {
    "lb.admin.api.place_names": "a table of names, one a line",
}
"""Modules with more than MOST_LINES lines, and why."""

MANY_MAY_HAVE = {"__init__", "run", "ports", "stored"}
"""Names of files that stand in more than one package."""

RUNTIME = {"js", "pyodide", "workers", "_pyodide_entrypoint_helper"}
CLOCKS_AND_CHANCE = {"time", "random", "secrets", "os", "logging", "socket"}
NOW = {"now", "utcnow", "today"}
"""Methods of datetime and date that read a clock."""


class Module(NamedTuple):
    """A module of src/lb."""

    name: str
    """Its dotted name; that of a package without `__init__`."""
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.split(".")[1]


def _modules() -> dict[str, Module]:
    found = {}
    for path in sorted(LB.rglob("*.py")):
        name = ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        if name != "lb":
            found[name] = Module(name, path, ast.parse(path.read_text("utf-8")))
    return found


MODULES = _modules()


def imported(module: Module) -> set[str]:
    """Return the dotted names that a module imports, for types too."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module.name}: relative imports hide the floor"
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            own = below & MODULES.keys()
            names |= own if len(own) == len(below) else own | {node.module or ""}
    return names


def outside(*packages: str) -> list[Module]:
    """Return the modules of all other packages."""
    return [module for module in MODULES.values() if module.package not in packages]


def test_every_package_has_a_floor() -> None:
    """A new package is put onto a floor before it is merged."""
    assert {module.package for module in MODULES.values()} == set(FLOOR_OF)


def test_imports_only_lead_downwards() -> None:
    """A package imports packages of lower floors and itself, nothing beside or above it."""
    upwards = [
        f"{module.name} imports {name}"
        for module in MODULES.values()
        for name in imported(module)
        if name.startswith("lb.")
        and (other := name.split(".")[1]) != module.package
        and FLOOR_OF[other] >= FLOOR_OF[module.package]
    ]

    assert upwards == []


def test_the_picture_shows_the_floors() -> None:
    """docs/architecture.md draws the packages floor by floor, the highest one first."""
    page = (SRC.parent / "docs" / "architecture.md").read_text("utf-8")
    picture = page.split("```")[1]
    drawn = [
        {
            word
            for cell in re.split(r"\s{2,}", floor.strip().splitlines()[0])
            if (word := cell.strip().removesuffix(".py")) in FLOOR_OF
        }
        for floor in re.split(r"^─+$", picture, flags=re.MULTILINE)
    ]

    assert drawn[::-1] == [set(names) for names in FLOORS]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside a package as well, and for types as well: each module can be read after another."""
    graph = {
        module.name: {name for name in imported(module) if name in MODULES} - {module.name}
        for module in MODULES.values()
    }

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_only_drivers_await() -> None:
    """Decisions are plain functions; what awaits stands in a package's run.py, or in worker/."""
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    drivers = [
        module.name
        for module in outside("worker")
        if module.path.name != "run.py"
        and (
            "asyncio" in imported(module)
            or any(isinstance(node, waiting) for node in ast.walk(module.tree))
        )
    ]

    # A port says what is awaited.
    assert [name for name in drivers if not name.endswith(".ports")] == []


def test_only_the_worker_package_knows_the_runtime() -> None:
    """Nothing but src/lb/worker imports JavaScript or the Workers runtime."""
    runtime = [
        f"{module.name} imports {name}"
        for module in outside("worker")
        for name in imported(module)
        if name.split(".")[0] in RUNTIME
    ]

    assert runtime == []


def test_only_the_worker_package_has_a_clock_and_chance() -> None:
    """Elsewhere, time and chance are arguments; datetime may be used as a type."""
    impure = [
        f"{module.name} imports {name}"
        for module in outside("worker")
        for name in imported(module)
        if name.split(".")[0] in CLOCKS_AND_CHANCE
    ]
    clocks = [
        f"{module.name}:{node.lineno} reads a clock"
        for module in outside("worker")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in NOW
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    ]

    assert impure + clocks == []


def test_private_names_stay_in_their_package() -> None:
    """A name with an underscore is nobody else's business."""
    leaked = [
        f"{module.name} imports {alias.name} of {node.module}"
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lb.")
        for alias in node.names
        if alias.name.startswith("_") and (node.module or "").split(".")[1] != module.package
    ]

    assert leaked == []


def test_a_file_name_stands_once() -> None:
    """A log line or a search that names a file names one file."""
    names = Counter(module.path.stem for module in MODULES.values())

    assert {name for name, count in names.items() if count > 1} <= MANY_MAY_HAVE


def test_the_top_can_be_read_at_a_glance() -> None:
    """Few rooms at the top, and no room of a file that is too long to be read at once."""
    entries = [one for one in LB.iterdir() if one.name != "__pycache__"]
    long = {
        module.name
        for module in MODULES.values()
        if len(module.path.read_text("utf-8").splitlines()) > MOST_LINES
    }

    assert len(entries) <= MOST_ENTRIES
    assert long == LONGER.keys()


def test_every_module_says_its_purpose_in_one_line() -> None:
    """A docstring of one line comes first; more may follow after an empty line."""
    silent = [
        module.name
        for module in MODULES.values()
        if not (said := ast.get_docstring(module.tree)) or "\n" in said.partition("\n\n")[0]
    ]

    assert silent == []
