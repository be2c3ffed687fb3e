"""Compiles requirements.in and requirements-dev.in into their locks, or checks that it was done.

The check is a digest on the first line, so it needs no network and cannot change its mind when
somebody uploads another wheel of a pinned version.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The oldest Python a developer may have; --universal makes the result hold for later ones too.
OLDEST_PYTHON = "3.11"


@dataclass(frozen=True, slots=True)
class Lock:
    """A file of wishes and what it is compiled into."""

    source: Path
    result: Path
    below: tuple["Lock", ...] = ()
    """Locks of files that the source includes: both have the same versions."""

    def first_line(self) -> str:
        """The line that ties a lock to the files it was compiled from."""
        content = b"".join(lock.source.read_bytes() for lock in (*self.below, self))
        digest = hashlib.sha256(content).hexdigest()
        return f"# compiled from {self.source.name} (sha256 {digest}) by `make lock`; do not edit\n"

    def compile(self) -> None:
        """Write the lock, keeping the versions the old one had wherever they still fit."""
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
        """Whether it was compiled from what its source is now."""
        return self.result.exists() and self.result.read_text().startswith(self.first_line())


RUN = Lock(ROOT / "requirements.in", ROOT / "requirements.txt")
DEV = Lock(ROOT / "requirements-dev.in", ROOT / "requirements-dev.txt", (RUN,))
LOCKS: Sequence[Lock] = (RUN, DEV)


def main() -> None:
    """`lock.py` compiles, `lock.py --check` only tells."""
    for lock in LOCKS:
        if sys.argv[1:] != ["--check"]:
            lock.compile()
        elif not lock.is_fresh():
            names = f"{lock.result.name} is older than {lock.source.name}"
            sys.exit(f"{names}: run `make lock` and commit both.")


if __name__ == "__main__":
    main()
