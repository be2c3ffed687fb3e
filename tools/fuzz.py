"""`make fuzz`: runs every property of tests/fuzz on many inputs, and shows the progress."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "fuzz"
INPUTS = 106_000
"""Inputs in total; some properties have fewer possible inputs than their share."""

Property = Callable[[], None]


def modules() -> list[ModuleType]:
    """The modules with properties."""
    sys.path[:0] = [str(ROOT / part) for part in ("tests", "src", "cli", "tools", ".")]
    found = []
    for path in sorted(FOLDER.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"fuzz_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module)
    return found


def properties(found: list[ModuleType]) -> dict[str, Any]:
    """The properties by name."""
    return {
        f"{module.__name__.removeprefix('fuzz_test_')}: {name.removeprefix('test_')}": test
        for module in found
        for name, test in vars(module).items()
        if getattr(test, "is_hypothesis_test", False)
    }


def counted(test: Any, count: Callable[[], object]) -> None:
    """Call `count` for each input.

    https://hypothesis.readthedocs.io/en/latest/extensions.html#custom-function-execution
    """
    inner = test.hypothesis.inner_test

    @wraps(inner)
    def counting(*arguments: Any, **named: Any) -> None:
        count()
        inner(*arguments, **named)

    test.hypothesis.inner_test = counting


def options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="make fuzz FUZZ=...", description="Fuzz Evenkeel.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="inputs in total, at least")
    parser.add_argument("--only", default="", help="properties whose name contains this")
    return parser.parse_args()


def main() -> int:
    """Run the properties, and print which do not hold; the exit code is 1 if any does not."""
    asked = options()
    console = Console(highlight=False)
    chosen = {name: test for name, test in properties(modules()).items() if asked.only in name}
    if not chosen:
        console.print(f"No property's name contains {asked.only!r}.")
        return 2
    each = -(-asked.inputs // len(chosen))
    bound = settings(
        max_examples=each, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    began, total, failed = time.monotonic(), 0, dict[str, BaseException]()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        whole = progress.add_task("all", total=each * len(chosen))
        for name, test in chosen.items():
            task = progress.add_task(name, total=each)
            done = 0

            def count(task: Any = task) -> None:
                nonlocal done, total
                done, total = done + 1, total + 1
                if done % 50 == 0:
                    progress.update(task, completed=min(done, each))
                    progress.update(whole, completed=min(total, each * len(chosen)))

            counted(test, count)
            try:
                bound(test)()
            except Exception as error:  # noqa: BLE001 (the other properties go on)
                failed[name] = error
            progress.update(task, completed=done, total=done)
    for name, why in failed.items():
        console.print(f"\n{name}: {type(why).__name__}: {why}", markup=False, soft_wrap=True)
        for note in getattr(why, "__notes__", ()):
            console.print(note, markup=False, soft_wrap=True)
    seconds = time.monotonic() - began
    console.print(
        f"{total:,} inputs for {len(chosen)} properties in {seconds:.0f} s: "
        + (f"{len(failed)} of them do not hold." if failed else "all of them hold.")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
