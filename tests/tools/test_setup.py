"""The steps of the set-up: run once, repeated after a change, retried after a failure."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import setup as tool
import step as step_tool
from evenkeel.dev import checkout


def make_step(folder: Path, action: Callable[[step_tool.Log], None]) -> step_tool.Step:
    """A step with one input file and one result file."""
    (folder / "input").touch()
    return step_tool.Step(
        "step", "a step", [folder / "input"], [folder / "result"], action, "Look here."
    )


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    """A folder for stamps, as the set-up creates it."""
    folder = tmp_path / "stamps"
    folder.mkdir()
    return folder


def test_a_step_is_done_once(tmp_path: Path, stamps: Path) -> None:
    """A second run does not repeat a step."""
    step = make_step(tmp_path, lambda _: (tmp_path / "result").touch())
    assert step_tool.perform(step, stamps, tmp_path) is True
    assert step_tool.perform(step, stamps, tmp_path) is False


def test_a_step_is_done_again_when_its_input_changed(tmp_path: Path, stamps: Path) -> None:
    """A step runs again if the content of its input changed, not merely its modification time."""
    step = make_step(tmp_path, lambda _: (tmp_path / "result").touch())
    step_tool.perform(step, stamps, tmp_path)
    (tmp_path / "input").touch()
    assert step_tool.perform(step, stamps, tmp_path) is False
    (tmp_path / "input").write_text("other")
    assert step_tool.perform(step, stamps, tmp_path) is True


def test_a_step_is_done_again_when_its_result_is_gone(tmp_path: Path, stamps: Path) -> None:
    """A step runs again if its result was deleted."""
    step = make_step(tmp_path, lambda _: (tmp_path / "result").touch())
    step_tool.perform(step, stamps, tmp_path)
    (tmp_path / "result").unlink()
    assert step_tool.perform(step, stamps, tmp_path) is True


def test_a_failed_step_tells_why_and_is_tried_again(tmp_path: Path, stamps: Path) -> None:
    """A failed step shows the command's last output and what to do, and leaves no stamp."""
    (tmp_path / "result").touch()
    failing = "print('the reason'); raise SystemExit(3)"
    step = make_step(tmp_path, lambda log: log.run(sys.executable, "-c", failing))
    with pytest.raises(SystemExit) as caught:
        step_tool.perform(step, stamps, tmp_path)
    said = str(caught.value)
    assert f"{Path(sys.executable).name} ended with status 3\n\nthe reason\n\nLook here." in said
    assert list(stamps.iterdir()) == []


def test_an_interrupted_step_leaves_no_stamp(tmp_path: Path, stamps: Path) -> None:
    """A step that was interrupted runs again, even though its incomplete result exists."""

    def interrupted(_: step_tool.Log) -> None:
        (tmp_path / "result").touch()
        raise KeyboardInterrupt

    step = make_step(tmp_path, interrupted)
    with pytest.raises(KeyboardInterrupt):
        step_tool.perform(step, stamps, tmp_path)
    assert list(stamps.iterdir()) == []


def test_this_checkout_is_set_up() -> None:
    """In this checkout, every step of the set-up has its results."""
    missing = [path for step in tool.steps() for path in step.results if not path.exists()]
    assert missing == []


def test_the_command_line_needs_no_package_that_only_tests_have() -> None:
    """Every package that the command imports is in the lock file that `make dev` installs."""
    installed = set(re.findall(r"^([a-z0-9-]+)==", tool.REQUIREMENTS.read_text(), re.MULTILINE))
    distributions = packages_distributions()
    missing = {
        f"{path.name}: {name}"
        for path in (checkout.ROOT / "cli").rglob("*.py")
        for name in imported(path)
        for distribution in distributions.get(name, [])
        if normal(distribution) not in {*installed, "evenkeel"}
    }
    assert missing == set()


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def normal(distribution: str) -> str:
    """Return a distribution's name in the form that lock files use."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_both_locks_have_the_same_versions() -> None:
    """The packages of tests change no version of the packages of the command."""
    small, large = (
        set(re.findall(r"^[a-z0-9-]+==\S+", lock.read_text(), re.MULTILINE))
        for lock in (tool.REQUIREMENTS, tool.DEV_REQUIREMENTS)
    )
    assert small < large


def test_what_is_made_for_the_command_alone_is_the_beginning_of_everything() -> None:
    """The steps of `make dev` are the first steps of `make setup`."""
    small = [step.name for step in tool.toolchain_steps()]
    assert [step.name for step in tool.steps()][: len(small)] == small
    assert "sdk" not in small


def find_python(**environment: str) -> subprocess.CompletedProcess[str]:
    """Return what the search for a Python prints."""
    return subprocess.run(
        [checkout.ROOT / "tools" / "python.sh"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_will_do_is_found() -> None:
    """The search finds a suitable Python, such as the one that runs these tests."""
    said = find_python(PYTHON=sys.executable)
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{sys.executable}\n", "")


def test_a_python_that_will_not_do_is_told_in_one_line(tmp_path: Path) -> None:
    """A Python that is too old or lacks venv is named on one line, with what is needed."""
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    said = find_python(PYTHON=str(old))
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith(
        f"Evenkeel needs Python 3.11 or later with its venv module, and {old} is not one: "
    )
