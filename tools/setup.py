"""Sets the checkout up: .venv, node_modules, .cache.

Everything, or with the word `toolchain` no more than what the balancer runs and is deployed with.

Runs on the system's Python, before anything is installed (standard library only). Each step has a
stamp holding a digest of what it was made from: a step runs when its stamp differs or its result is
gone, and the stamp is written last, so that an interrupted set-up is mended by running it again.
"""

import fcntl
import itertools
import os
import platform
import shutil
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))

from evenkeel.dev import checkout
from step import Log, Step, perform

ROOT = checkout.ROOT
LOGS = checkout.CACHE / "logs"
REQUIREMENTS = ROOT / "requirements.txt"
DEV_REQUIREMENTS = ROOT / "requirements-dev.txt"
PYTEST = checkout.VENV / "bin" / "pytest"

REGISTRY_HINT = "Is the package registry reachable? Run the same again: what is done is kept."
BUNDLE_HINT = "Run `make clean setup`; should it fail again, that line is what to look into."


def make_venv(log: Log) -> None:
    """Build .venv from nothing, so that no package of an earlier lock stays behind."""
    # Not sys.executable: with .venv activated, that is in the folder about to be removed.
    python = getattr(sys, "_base_executable", sys.executable)
    shutil.rmtree(checkout.VENV, ignore_errors=True)
    log.run(python, "-m", "venv", checkout.VENV)
    install_locked(log, REQUIREMENTS)


def install_locked(log: Log, lock: Path) -> None:
    """Install exactly what a lock says, beside what is there."""
    pip = (checkout.VENV_PYTHON, "-m", "pip", "install", "--progress-bar=off")
    log.run(*pip, "--require-hashes", "--only-binary=:all:", "-r", lock)


def install_project(log: Log) -> None:
    """Install the `evenkeel` command; editable, so that the sources are what runs."""
    pip = (checkout.VENV_PYTHON, "-m", "pip", "install", "--progress-bar=off")
    log.run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def add_dev_packages(log: Log) -> None:
    """Install what tests and checks need besides; in a new .venv if an older lock's is there."""
    if PYTEST.exists():
        make_venv(log)
        install_project(log)
    install_locked(log, DEV_REQUIREMENTS)


def install_node_modules(log: Log) -> None:
    """Install exactly what package-lock.json says, without what is for tests alone."""
    log.run(*checkout.npm_command(), "ci", "--omit=dev", "--include=optional")


def add_dev_modules(log: Log) -> None:
    """Install what package-lock.json says for tests; `npm ci` would begin from nothing."""
    kinds = ("--include=dev", "--include=optional")
    log.run(*checkout.npm_command(), "install", "--no-save", *kinds)


def build_bundle(log: Log) -> None:
    """Assemble the Pyodide bundle and load compiled code with it."""
    tool = ROOT / "tools" / "pyodide_bundle.py"
    log.run(checkout.VENV_PYTHON, tool, checkout.NODE_MODULES / "pyodide", checkout.BUNDLE)
    draft = checkout.CACHE / "smoke.part"
    shutil.rmtree(draft, ignore_errors=True)
    log.run(
        *(checkout.VENV_PYTHON, "-m", "pip", "install", "--progress-bar=off", "--no-compile"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:", "--target", draft),
        # The Python inside the runtime, not the one that runs here.
        *("--platform=pyemscripten_2026_0_wasm32", "--python-version=3.14"),
        *("--implementation=cp", "--abi=cp314", "-r", ROOT / "requirements-smoke.txt"),
    )
    replace(draft, checkout.SMOKE_WHEELS)
    log.run(checkout.VENV_PYTHON, ROOT / "tools" / "snapshot.py", "smoke")


def take_snapshot(log: Log) -> None:
    """Keep the memory of a booted Python, from which later starts are quick."""
    log.run(checkout.VENV_PYTHON, ROOT / "tools" / "snapshot.py", "take")


def fetch_sdk_tests(log: Log) -> None:
    """Unpack the tests of Cloudflare's SDK, which its source distribution has and its wheel not."""
    draft = checkout.CACHE / "cloudflare-sdk.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    wanted = draft / "requirements.txt"
    wanted.write_text(pinned("cloudflare"))
    log.run(
        *(checkout.VENV_PYTHON, "-m", "pip", "download", "--progress-bar=off", "--require-hashes"),
        *("--no-deps", "--no-binary=cloudflare", "--no-build-isolation"),
        *("--dest", draft, "-r", wanted),
    )
    (archive,) = draft.glob("cloudflare-*.tar.gz")
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            path = member.name.partition("/")[2]
            if member.isfile() and path.startswith(SDK_TESTS) and path.endswith(".py"):
                target = draft / path
                target.parent.mkdir(parents=True, exist_ok=True)
                content = opened.extractfile(member)
                target.write_bytes(content.read() if content else b"")
    archive.unlink()
    replace(draft, checkout.SDK_TESTS)


SDK_TESTS = (
    "tests/__init__.py",
    "tests/utils.py",
    "tests/api_resources/__init__.py",
    "tests/api_resources/test_load_balancers.py",
    "tests/api_resources/load_balancers/",
)


def pinned(package: str) -> str:
    """The lines of one package in the lock: its version and its hashes."""
    lines = DEV_REQUIREMENTS.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    rest = itertools.takewhile(lambda line: line.startswith(" "), lines[first + 1 :])
    return "\n".join([lines[first], *rest, ""])


def replace(draft: Path, target: Path) -> None:
    """Put a finished folder in another's place."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.rename(target)


def machine() -> str:
    """What decides whether a virtual environment still fits."""
    # It holds absolute paths, so a moved checkout needs a new one; so does another Python, but for
    # its last number.
    asked_for = os.environ.get("PYTHON", "")
    return f"{platform.machine()} {sys.version_info[:2]} {asked_for} {ROOT}"


def toolchain_steps() -> list[Step]:
    """What `make dev` and `make deploy` need, in order; each step may use those before it."""
    bundle_tool = ROOT / "tools" / "pyodide_bundle.py"
    snapshot_tool = ROOT / "tools" / "snapshot.py"
    lock = ROOT / "package-lock.json"
    return [
        Step(
            "venv",
            "Python packages into .venv",
            [REQUIREMENTS, machine()],
            [checkout.VENV_PYTHON, checkout.node()],
            make_venv,
            REGISTRY_HINT,
        ),
        Step(
            "project",
            "the evenkeel command",
            [REQUIREMENTS, ROOT / "pyproject.toml", machine()],
            [checkout.VENV / "bin" / "evenkeel"],
            install_project,
            "Is pyproject.toml sound?",
        ),
        Step(
            "node",
            "wrangler and workerd into node_modules",
            [ROOT / "package.json", lock, ROOT / ".npmrc", platform.machine()],
            [checkout.WRANGLER, checkout.workerd(), checkout.NODE_MODULES / "pyodide"],
            install_node_modules,
            REGISTRY_HINT,
        ),
        Step(
            "bundle",
            "the Worker's Python, built and tried out",
            [lock, bundle_tool, snapshot_tool, ROOT / "requirements-smoke.txt"],
            [checkout.BUNDLE, checkout.SMOKE_WHEELS],
            build_bundle,
            BUNDLE_HINT,
        ),
        Step(
            "snapshot",
            "a snapshot of it, for quick starts",
            [lock, bundle_tool, snapshot_tool, checkout.WRANGLER_CONFIG, platform.machine()],
            [checkout.SNAPSHOT],
            take_snapshot,
            BUNDLE_HINT,
        ),
    ]


def test_steps() -> list[Step]:
    """What checks, tests and measurements need besides."""
    return [
        Step(
            "venv-dev",
            "packages for tests and checks into .venv",
            [REQUIREMENTS, DEV_REQUIREMENTS, machine()],
            [PYTEST],
            add_dev_packages,
            REGISTRY_HINT,
        ),
        Step(
            "node-dev",
            "axe-core into node_modules",
            [ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc"],
            [checkout.NODE_MODULES / "axe-core"],
            add_dev_modules,
            REGISTRY_HINT,
        ),
        Step(
            "sdk",
            "the tests of Cloudflare's SDK",
            [pinned("cloudflare"), *SDK_TESTS],
            [checkout.SDK_TESTS / "tests" / "utils.py"],
            fetch_sdk_tests,
            REGISTRY_HINT,
        ),
    ]


def steps() -> list[Step]:
    """All of the set-up, in order."""
    return [*toolchain_steps(), *test_steps()]


@contextmanager
def only_one() -> Iterator[None]:
    """Wait for another set-up of this checkout to end; the lock goes with its holder."""
    with (checkout.CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running: waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str]) -> None:
    """Bring every step up to date; with `toolchain`, those that the balancer runs with."""
    wanted = toolchain_steps if arguments == ["toolchain"] else steps
    checkout.STAMPS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with only_one():
        # Results are looked up anew each time: the first steps make what later ones name.
        count = len(wanted())
        done = [perform(wanted()[index], checkout.STAMPS, LOGS) for index in range(count)]
    if any(done):
        print(f"Set up in {time.monotonic() - started:.1f} s.")


if __name__ == "__main__":
    os.umask(0o022)
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: run the same command again to go on.")
