"""The layers of src/lb, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"

# A module may import what stands in a lower layer, or in its own package.
LAYERS = (
    ("model", "facts", "version"),
    ("events", "places", "quiet"),
    ("expressions",),
    (
        "bounded",
        "config",
        "doubts",
        "drawing",
        "hashing",
        "health",
        "hedging",
        "hosts",
        "in_flight",
        "maintenance",
        "retry_budget",
        "slow_start",
        "tallies",
        "times",
    ),
    ("calls", "outcomes", "slots"),
    ("availability", "monitors", "shared"),
    (
        "affinity",
        "ejection",
        "forwarding",
        "freshness",
        "kept",
        "origin_steering",
        "pool_sets",
        "rules",
        "shedding",
        "steering",
        "status",
    ),
    ("ejections", "mirroring", "public", "report"),
    ("serving",),
    ("admin", "complaints", "failover", "notify", "pulled", "regions", "sharing"),
    ("ports", "memory", "pages", "shell"),
    ("actions", "catalog"),
    ("balancer", "checker", "copies", "endings", "event_log", "notifier", "proxy"),
    ("metrics", "previewing"),
    ("keeper",),
    ("room",),
    ("api", "exposition", "logouts", "panel", "versions"),
    ("desk",),
    ("budget", "explain", "worker"),
)
LAYER_OF = {name: number for number, names in enumerate(LAYERS) for name in names}
FIRST_WITH_A_CLOCK = LAYER_OF["ports"]
ONLY_AT_THE_EDGE = {"js", "pyodide", "workers", "_pyodide_entrypoint_helper"}
NOT_IN_A_DECISION = {"asyncio", "time", "datetime", "random", "secrets", "os", "logging", "socket"}


def modules() -> list[tuple[str, Path]]:
    """Return every module of src/lb with the name that stands in LAYERS."""
    paths = sorted((SRC / "lb").rglob("*.py"))
    return [
        (path.relative_to(SRC / "lb").with_suffix("").parts[0], path)
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
            assert not node.level, f"{path}: relative imports hide the layer"
            names.add(node.module or "")
            if node.module == "lb":
                names |= {f"lb.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_a_layer() -> None:
    """A new module is put into a layer before it is merged."""
    assert {name for name, _ in modules()} == set(LAYER_OF)


def test_imports_only_lead_downwards() -> None:
    """A module imports lower layers and its own package, nothing beside or above it."""
    upwards = [
        f"{path.relative_to(SRC)} imports {name}"
        for own, path in modules()
        for name in imported(path)
        if name.startswith("lb.")
        and name.split(".")[1] != own
        and LAYER_OF[name.split(".")[1]] >= LAYER_OF[own]
    ]

    assert upwards == []


def test_decisions_have_no_clock_no_chance_and_no_io() -> None:
    """Below the ports, time and chance come in as arguments."""
    impure = [
        f"{path.relative_to(SRC)} imports {name}"
        for own, path in modules()
        for name in imported(path)
        if LAYER_OF[own] < FIRST_WITH_A_CLOCK and name.split(".")[0] in NOT_IN_A_DECISION
    ]

    assert impure == []


def test_only_the_edge_knows_the_runtime() -> None:
    """Nothing but src/lb/worker imports JavaScript or the Workers runtime."""
    runtime = [
        f"{path.relative_to(SRC)} imports {name}"
        for own, path in modules()
        for name in imported(path)
        if own != "worker" and name.split(".")[0] in ONLY_AT_THE_EDGE
    ]

    assert runtime == []
