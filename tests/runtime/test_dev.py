"""`evenkeel dev` on workerd: it starts, reloads, and leaves nothing behind."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest

from evenkeel.dev import checkout
from support.worker import Worker, running_worker, worker_process

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
GONE_SECONDS = 10.0
RELOAD_SECONDS = 15.0


@contextmanager
def origin(name: str) -> Iterator[str]:
    """A web server that responds to every request with its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def config(address: str) -> str:
    """A load balancer in front of one origin."""
    return f"""
        [[pools]]
        name = "only"
        origins = [{{ name = "one", address = "{address}" }}]

        [[load_balancers]]
        name = "*"
        default_pools = ["only"]
        fallback_pool = "only"
    """


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended (a zombie counts as ended)."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def staging_folder(family: list[psutil.Process]) -> Path:
    """The folder of a run, from the command line of its watchdog."""
    lines = [process.cmdline() for process in family]
    return next(Path(line[-1]) for line in lines if any("watchdog.py" in word for word in line))


def assert_nothing_left(family: list[psutil.Process], folder: Path, port: int) -> None:
    """Assert that a run leaves no process, no folder and no server on its port."""
    until(lambda: all(map(is_gone, family)) and not folder.exists(), GONE_SECONDS)
    assert [process for process in family if not is_gone(process)] == []
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def runtime_processes(worker: Worker, name: str) -> list[psutil.Process]:
    """The processes of a run with this name."""
    return [process for process in worker.family() if Path(process.exe()).name == name]


def get(worker: Worker) -> str:
    """The Worker's response."""
    return httpx.get(worker.url, trust_env=False, timeout=30).text


def test_a_request_is_answered_as_soon_as_the_ready_line_is_printed() -> None:
    """The ready line comes last with the URL, and the first request after it succeeds."""
    with origin("hello") as address, running_worker(config(address)) as worker:
        assert get(worker) == "hello"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", worker.url)


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_signal_ends_everything_with_status_0(number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal all end the command with exit code 0."""
    with worker_process("--port=0") as worker:
        worker.wait_until_ready()
        family = worker.family()
        folder = staging_folder(family)
        assert worker.stop(number) == 0
        assert_nothing_left(family, folder, worker.port)


def test_a_killed_command_leaves_nothing_behind() -> None:
    """The watchdog ends all processes after a SIGKILL of the command."""
    with worker_process("--port=0") as worker:
        worker.wait_until_ready()
        family = worker.family()
        folder = staging_folder(family)
        assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
        assert_nothing_left(family, folder, worker.port)


@pytest.mark.parametrize("name", ["node", "workerd"])
def test_a_crashed_child_is_told_in_one_line_and_ends_everything(name: str) -> None:
    """The command reports the death of wrangler or the runtime in one line and exits with 1."""
    with worker_process("--no-demo", "--port=0") as worker:
        worker.wait_until_ready()
        family = worker.family()
        folder = staging_folder(family)
        runtime_processes(worker, name)[0].kill()
        assert worker.process.wait(GONE_SECONDS) == 1
        last = worker.text().splitlines()[-1]
        assert re.fullmatch(r"evenkeel: (wrangler|workerd) ended unexpectedly( \(.*\))?\.", last)
        assert_nothing_left(family, folder, worker.port)


def test_a_port_in_use_is_reported_in_one_line() -> None:
    """A port in use is reported in one line, and nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with worker_process(f"--port={port}") as worker:
            assert worker.process.wait(GONE_SECONDS) == 1
            message = f"evenkeel: port {port} is in use: choose another, or --port 0 for any.\n"
            assert worker.text() == message


def test_a_missing_file_is_reported_in_one_line() -> None:
    """A missing configuration is reported in one line with its path."""
    with worker_process("--config=no/such.toml") as worker:
        assert worker.process.wait(GONE_SECONDS) == 1
        assert worker.text() == "evenkeel: no/such.toml is no file.\n"


def test_a_variable_without_a_value_is_reported_in_one_line() -> None:
    """A --var without a name and a value is reported in one line."""
    with worker_process("--var=ORIGINS") as worker:
        assert worker.process.wait(GONE_SECONDS) == 1
        assert worker.text() == "evenkeel: --var: 'ORIGINS' is not NAME=VALUE.\n"


def test_two_runs_do_not_disturb_each_other() -> None:
    """Two runs have separate ports, configurations and folders; one outlives the other."""
    with origin("first") as one, origin("second") as other, running_worker(config(one)) as first:
        with running_worker(config(other)) as second:
            assert (get(first), get(second)) == ("first", "second")
        assert get(first) == "first"


def test_an_edited_file_is_served_without_a_restart(tmp_path: Path) -> None:
    """An edited file is served without a restart, whether it is replaced or overwritten."""
    file = tmp_path / "mine.toml"
    with origin("before") as before, origin("after") as after:
        file.write_text(config(before))
        with worker_process(f"--config={file}", "--port=0") as worker:
            worker.wait_until_ready()
            assert get(worker) == "before"
            draft = tmp_path / "mine.toml~"
            draft.write_text(config(after))
            draft.replace(file)
            assert until(lambda: get(worker) == "after", RELOAD_SECONDS)
            assert worker.alive()


def test_a_broken_file_is_reported_as_check_reports_it(tmp_path: Path) -> None:
    """Only the Worker's log had the problems of a broken file, in other words and without lines."""
    file = tmp_path / "mine.toml"
    file.write_text("[[pools]\n")
    with origin("mended") as address, worker_process(f"--config={file}", "--port=0") as worker:
        worker.wait_until_ready()
        assert f"{file}:1: the heading is not closed: write [[pools]]" in worker.text()
        assert "evenkeel check" in get(worker)
        file.write_text(config(address).replace("fallback_pool", "fallback_pol"))
        worker.wait_for_text(f"{file}:6: missing: this key must be given", RELOAD_SECONDS)
        file.write_text(config(address))
        worker.wait_for_text(f"{file}: good", RELOAD_SECONDS)
        assert until(lambda: get(worker) == "mended", RELOAD_SECONDS)


def test_a_broken_wrangler_file_is_reported_with_its_line(tmp_path: Path) -> None:
    """It was a traceback."""
    file = tmp_path / "wrangler.toml"
    file.write_text("name = evenkeel\n")
    with worker_process(f"--wrangler={file}", "--port=0") as worker:
        assert worker.process.wait(30) == 1
        assert f'{file}:1: text stands in quotes: name = "..."' in worker.text()
        assert "Traceback" not in worker.text()


def test_variables_reach_the_worker() -> None:
    """The variable ORIGINS replaces the file's configuration."""
    with (
        origin("variable") as address,
        running_worker(config("http://127.0.0.1:1"), vars={"ORIGINS": address}) as worker,
    ):
        assert get(worker) == "variable"


def test_a_secret_is_written_for_its_owner_only_and_never_printed() -> None:
    """LB_ADMIN_TOKEN is written to a file for its owner alone and appears in no output."""
    secret = 's3cret-with-$-and-\\-and-"-in-it'
    with worker_process("--no-demo", "--port=0", env={"LB_ADMIN_TOKEN": secret}) as worker:
        worker.wait_until_ready()
        file = staging_folder(worker.family()) / ".dev.vars"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == f"LB_ADMIN_TOKEN='{secret}'\n"
        assert secret not in worker.text()


def test_the_demo_fails_over_when_its_first_origin_is_stopped() -> None:
    """Traffic fails over if server-1 stops, and the panel prints the command that restarts it."""
    with worker_process("--port=0") as worker:
        worker.wait_until_ready()
        assert get(worker).startswith("Hello from server-1")
        stopped = int(worker.wait_for_text("Stop it").split()[-2])
        psutil.Process(stopped).terminate()
        line = worker.wait_for_text("server-1 has stopped")
        assert get(worker).startswith("Hello from server-2")
        assert worker.alive()
        again = line.rpartition("again with: ")[2].split()
        assert again[1:4] == ["origin", "--name", "server-1"]


def test_a_checkout_without_setup_is_reported(tmp_path: Path) -> None:
    """Without node_modules and the bundle, the command reports it and starts no process."""
    shutil.copytree(checkout.ROOT / "cli", tmp_path / "cli")
    ran = subprocess.run(
        [sys.executable, "-m", "evenkeel", "dev"],
        cwd=tmp_path / "cli",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == "evenkeel: this checkout is not set up: run `make setup`.\n"
