"""Compiles requirements.in and requirements-dev.in into their locks, or checks the locks.

The check compares a digest in the first line, so it needs no network and does not depend on later
uploads of a pinned version.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The oldest supported Python; with --universal the locks are valid for later ones too.
OLDEST_PYTHON = "3.11"


@dataclass(frozen=True, slots=True)
class Lock:
    """A file of requirements and its lock."""

    source: Path
    result: Path
    below: tuple["Lock", ...] = ()
    """Locks of files that the source includes, with the same versions."""

    def first_line(self) -> str:
        """The first line of the lock, with the digest of its sources."""
        content = b"".join(lock.source.read_bytes() for lock in (*self.below, self))
        digest = hashlib.sha256(content).hexdigest()
        return f"# compiled from {self.source.name} (sha256 {digest}) by `make lock`; do not edit\n"

    def compile(self) -> None:
        """Write the lock; versions of the old lock are kept where they still fit."""
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / self.result.name
            if self.result.exists():
                draft.write_text(self.result.read_text())
            uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
            options = ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-annotate"]
            python = ["--python-version", OLDEST_PYTHON, "--custom-compile-command", "make lock"]
            fixed = [f"--constraint={lock.result}" for lock in self.below]
            files = ["--output-file", str(draft), str(self.source)]
            subprocess.run([*uv, *options, *python, *fixed, *files], check=True)
            line = self.first_line()
            self.result.write_text(line + draft.read_text().removeprefix(line))

    def is_fresh(self) -> bool:
        """Whether the lock was compiled from the present source."""
        return self.result.exists() and self.result.read_text().startswith(self.first_line())


RUN = Lock(ROOT / "requirements.in", ROOT / "requirements.txt")
DEV = Lock(ROOT / "requirements-dev.in", ROOT / "requirements-dev.txt", (RUN,))
LOCKS: Sequence[Lock] = (RUN, DEV)


def main() -> None:
    """Compile the locks, or with `--check` only check them."""
    for lock in LOCKS:
        if sys.argv[1:] != ["--check"]:
            lock.compile()
        elif not lock.is_fresh():
            names = f"{lock.result.name} is older than {lock.source.name}"
            sys.exit(f"{names}: run `make lock` and commit both.")


if __name__ == "__main__":
    main()
