"""One step of the set-up: made again when what it was made from differs, or its result is gone."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evenkeel.dev import checkout

ROOT = checkout.ROOT
LOG_TAIL = 25


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the set-up: made from `inputs`, there when all of `results` exist."""

    name: str
    title: str
    inputs: Sequence[Path | str]
    results: Sequence[Path]
    action: Callable[["Log"], None]
    hint: str


class StepError(Exception):
    """A step's command failed."""


class Log:
    """Runs a step's commands, keeping what they print for the case of a failure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def run(self, *command: Path | str) -> None:
        """Run a command in the checkout; its output goes to the log."""
        with self.path.open("ab") as output:
            status = subprocess.run(
                [str(part) for part in command],
                cwd=ROOT,
                env=checkout.tool_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if status != 0:
            raise StepError(f"{Path(command[0]).name} ended with status {status}")

    def tail(self) -> str:
        """The last lines, where the reason of a failure stands."""
        return "\n".join(self.path.read_text(errors="replace").splitlines()[-LOG_TAIL:])


def digest(inputs: Sequence[Path | str]) -> str:
    """What a step is made from, in one word: the content of files, and plain strings."""
    total = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item.encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def perform(step: Step, stamps: Path, logs: Path) -> bool:
    """Bring one step up to date; tells whether there was anything to do."""
    stamp = stamps / step.name
    wanted = digest(step.inputs)
    made = stamp.read_text() if stamp.exists() else ""
    if made == wanted and all(path.exists() for path in step.results):
        return False
    stamp.unlink(missing_ok=True)
    started = time.monotonic()
    print(f"  {step.title} ...", end="", flush=True)
    log = Log(logs / f"setup-{step.name}.log")
    try:
        step.action(log)
    except StepError as error:
        sys.exit(f" failed: {error}\n\n{log.tail()}\n\n{step.hint} (All of it: {log.path})")
    draft = stamp.with_suffix(".part")
    draft.write_text(wanted)
    draft.replace(stamp)
    print(f" {time.monotonic() - started:.1f} s", flush=True)
    return True
