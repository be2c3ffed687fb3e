"""The floors of src/lb, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"

# A package may import packages of lower floors, and itself.
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
# Modules that have not moved into their package yet.
PACKAGE_OF = {
    "api": "admin",
    "monitors": "probing",
    "steering": "selection",
}
ONLY_AT_THE_EDGE = {"js", "pyodide", "workers", "_pyodide_entrypoint_helper"}


def package_of(module: str) -> str:
    """Return the package of a dotted name below lb."""
    name = module.split(".")[1]
    return PACKAGE_OF.get(name, name)


def modules() -> list[tuple[str, Path]]:
    """Return every module of src/lb with its dotted name."""
    paths = sorted((SRC / "lb").rglob("*.py"))
    return [
        (".".join(path.relative_to(SRC).with_suffix("").parts), path)
        for path in paths
        if path != SRC / "lb" / "__init__.py"
    ]


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports, for types too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide the floor"
            names.add(node.module or "")
            if node.module == "lb":
                names |= {f"lb.{alias.name}" for alias in node.names}
    return names


def upwards() -> set[tuple[str, str]]:
    """Return each import that does not lead to a lower floor or the same package."""
    return {
        (own, name)
        for own, path in modules()
        for name in imported(path)
        if name.startswith("lb.")
        and package_of(name) != package_of(own)
        and FLOOR_OF[package_of(name)] >= FLOOR_OF[package_of(own)]
    }


# Imports that a move still to come mends.
PENDING: set[tuple[str, str]] = set()


def test_every_module_has_a_floor() -> None:
    """A new package is put onto a floor before it is merged."""
    assert {package_of(name) for name, _ in modules()} == set(FLOOR_OF)


def test_imports_only_lead_downwards() -> None:
    """A package imports packages of lower floors and itself, nothing beside or above it."""
    assert upwards() == PENDING


def test_only_the_worker_package_knows_the_runtime() -> None:
    """Nothing but src/lb/worker imports JavaScript or the Workers runtime."""
    runtime = [
        f"{own} imports {name}"
        for own, path in modules()
        for name in imported(path)
        if package_of(own) != "worker" and name.split(".")[0] in ONLY_AT_THE_EDGE
    ]

    assert runtime == []
