"""Compiles requirements-dev.in into requirements-dev.txt, or checks that it was done.

The check is a digest on the first line, so it needs no network and cannot change its mind when
somebody uploads another wheel of a pinned version.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "requirements-dev.in"
LOCK = ROOT / "requirements-dev.txt"

# The oldest Python a developer may have; --universal makes the result hold for later ones too.
OLDEST_PYTHON = "3.11"


def first_line() -> str:
    """The line that ties a lock to the file it was compiled from."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    return f"# compiled from {SOURCE.name} (sha256 {digest}) by `make lock`; do not edit\n"


def compile_lock() -> None:
    """Write the lock, keeping the versions the old one had wherever they still fit."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / LOCK.name
        if LOCK.exists():
            draft.write_text(LOCK.read_text())
        uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
        options = ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-annotate"]
        python = ["--python-version", OLDEST_PYTHON, "--custom-compile-command", "make lock"]
        subprocess.run([*uv, *options, *python, "--output-file", draft, SOURCE], check=True)
        LOCK.write_text(first_line() + draft.read_text().removeprefix(first_line()))


def main() -> None:
    """`lock.py` compiles, `lock.py --check` only tells."""
    if sys.argv[1:] != ["--check"]:
        compile_lock()
    elif not LOCK.exists() or not LOCK.read_text().startswith(first_line()):
        sys.exit(f"{LOCK.name} is older than {SOURCE.name}: run `make lock` and commit both.")


if __name__ == "__main__":
    main()
