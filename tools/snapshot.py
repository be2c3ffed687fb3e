"""Tests the Pyodide bundle on workerd, and takes the snapshot of a booted Python.

The smoke test loads compiled code into the Worker's Python: some redirects of the bundle are for
that, and a plain Worker never does it. The snapshot makes later starts ten times shorter. It is
taken before any code of a Worker runs, so it fits every Worker.
"""

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evenkeel.dev import checkout

# A cold boot of Python takes 3 to 6 seconds on two cores, and more on a slow machine.
BOOT_SECONDS = 120
LOG_TAIL = 30

SMOKE_WORKER = """\
import hashlib
import tomllib

import js
import msgspec


class Point(msgspec.Struct):
    x: int


def on_fetch(request, env, ctx):
    point = msgspec.json.decode(b'{"x": 41}', type=Point)
    digest = hashlib.sha256(b"evenkeel").hexdigest()[:8]
    return js.Response.new(f"smoke {point.x + 1} {digest} {tomllib.loads('a = 1')}")
"""
SMOKE_ANSWER = "smoke 42 a5a0693e {'a': 1}"

PLAIN_WORKER = """\
import js


def on_fetch(request, env, ctx):
    return js.Response.new("plain")
"""
PLAIN_ANSWER = "plain"

CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = {date},
  compatibilityFlags = [{flags}],
);
"""


class SmokeError(Exception):
    """The runtime did not start, or its answer was wrong."""


def worker_config(files: Sequence[str]) -> str:
    """A workerd configuration with main.py, vendored files and the flags of wrangler.toml."""
    wrangler = tomllib.loads(checkout.WRANGLER_CONFIG.read_text())
    flags = [*wrangler["compatibility_flags"], *checkout.LOCAL_FLAGS]
    modules = ['(name = "main.py", pythonModule = embed "main.py")']
    modules += [f'(name = "{name}", data = embed "{name}")' for name in files]
    return CONFIG.format(
        modules=", ".join(modules),
        date=json.dumps(str(wrangler["compatibility_date"])),
        flags=", ".join(json.dumps(flag) for flag in flags),
    )


def stage(folder: Path, source: str, wheels: Path | None) -> Path:
    """Write a Worker's files into a folder; returns the configuration file."""
    (folder / "main.py").write_text(source)
    if wheels is not None:
        shutil.copytree(wheels, folder / "python_modules")
    vendored = sorted((folder / "python_modules").rglob("*"))
    names = [path.relative_to(folder).as_posix() for path in vendored if path.is_file()]
    config = folder / "worker.capnp"
    config.write_text(worker_config(names))
    return config


def listening_port(messages: int, process: subprocess.Popen[bytes], deadline: float) -> int:
    """The port that workerd reports on its control channel."""
    text = b""
    while time.monotonic() < deadline and process.poll() is None:
        if select.select([messages], [], [], 0.2)[0]:
            text += os.read(messages, 4096)
        for line in text.splitlines():
            message = json.loads(line) if line.endswith(b"}") else {}
            if message.get("event") == "listen":
                return int(message["port"])
    raise SmokeError("workerd did not start")


def ask(port: int, deadline: float) -> str:
    """The answer to one request; the first request waits for Python to boot."""
    timeout = max(1.0, deadline - time.monotonic())
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=timeout) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        raise SmokeError(f"the Worker did not answer: {error}") from error


@contextmanager
def workerd(config: Path, options: Sequence[str]) -> Iterator[int]:
    """Run workerd on a configuration; yields its port, and ends it in any case."""
    reading, writing = os.pipe()
    log = config.with_name("workerd.log")
    command: list[str | Path] = [checkout.workerd(), "serve", config, "--experimental", *options]
    deadline = time.monotonic() + BOOT_SECONDS
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"--control-fd={writing}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            pass_fds=[writing],
        )
    os.close(writing)
    try:
        yield listening_port(reading, process, deadline)
    except SmokeError as error:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL:])
        raise SmokeError(f"{error}\n{tail}") from error
    finally:
        os.close(reading)
        process.kill()
        process.wait()


def run(source: str, answer: str, options: Sequence[str], wheels: Path | None = None) -> None:
    """Boot a Worker, send one request, and compare the answer; SmokeError if it differs."""
    with tempfile.TemporaryDirectory(dir=checkout.CACHE) as folder:
        config = stage(Path(folder), source, wheels)
        with workerd(config, options) as port:
            found = ask(port, time.monotonic() + BOOT_SECONDS)
            if found != answer:
                raise SmokeError(f"the Worker answered {found!r}, not {answer!r}")


def smoke_test() -> None:
    """Boot Python from the bundle, and load compiled code into it."""
    checkout.SNAPSHOT_DIR.mkdir(parents=True, exist_ok=True)
    options = checkout.workerd_options(snapshot=None)
    run(SMOKE_WORKER, SMOKE_ANSWER, options, checkout.SMOKE_WHEELS)


def take_snapshot() -> None:
    """Save the memory of a booted Python, and check that a Worker starts from it."""
    with tempfile.TemporaryDirectory(dir=checkout.CACHE) as folder:
        options = [
            option
            for option in checkout.workerd_options(snapshot=None)
            if not option.startswith("--python-snapshot-dir")
        ]
        saving = [f"--python-snapshot-dir={folder}", "--python-save-baseline-snapshot"]
        run(PLAIN_WORKER, PLAIN_ANSWER, [*options, *saving])
        (Path(folder) / checkout.SNAPSHOT.name).replace(checkout.SNAPSHOT)
    run(PLAIN_WORKER, PLAIN_ANSWER, checkout.workerd_options())


def main() -> None:
    """Run `snapshot.py smoke` or `snapshot.py take`."""
    parser = argparse.ArgumentParser(description="Test the Pyodide bundle; take its snapshot.")
    parser.add_argument("step", choices=("smoke", "take"))
    step = parser.parse_args().step
    try:
        smoke_test() if step == "smoke" else take_snapshot()
    except SmokeError as error:
        sys.exit(f"pyodide {step}: {error}")


if __name__ == "__main__":
    main()
