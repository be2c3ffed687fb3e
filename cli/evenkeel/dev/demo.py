"""Two demo origins, their configuration, and the panel with things to try."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.panel import Panel

from evenkeel.dev import checkout
from evenkeel.dev.errors import LocalRunError
from evenkeel.dev.origin import LISTENING
from evenkeel.dev.process_group import Family
from evenkeel.dev.runtime import HOST, free_port
from evenkeel.output.tables import grid

START_SECONDS = 15.0
FIRST_PORT = 9001
NAMES = ("server-1", "server-2")

CONFIG = """\
# The demo's configuration: active-passive, server-1 first. Edit it: the Worker reloads.
# (It goes with the run; yours is src/loadbalancer.toml, or any file given with --config.)

[[monitors]]
name = "health"
type = "http"
path = "/health"
expected_codes = "200"
interval = 5
timeout = 2
retries = 0
consecutive_down = 1
consecutive_up = 1

[[pools]]
name = "primary"
monitor = "health"
origins = [{{ name = "{names[0]}", address = "http://{host}:{ports[0]}" }}]

[[pools]]
name = "replica"
monitor = "health"
origins = [{{ name = "{names[1]}", address = "http://{host}:{ports[1]}" }}]

[[load_balancers]]
name = "*"
default_pools = ["primary", "replica"]
fallback_pool = "replica"
steering_policy = "off"
ejection = {{ base_time = 5 }}   # seconds; short, so that a restart is seen
"""


@dataclass(slots=True)
class Origin:
    """A demo origin and its process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    # Set when it listens, or has ended before.
    settled: threading.Event
    reported: bool = False


class Demo:
    """The demo origins of one run."""

    def __init__(self, family: Family, show: Callable[[str], None]) -> None:
        """Start the origins; `show` is called with each line that they print."""
        self._show = show
        self._origins: list[Origin] = []
        taken = FIRST_PORT
        for name in NAMES:
            port = free_port(taken)
            taken = port + 1
            command = [sys.executable, "-m", "evenkeel", "origin", "--name", name]
            process = family.start(
                [*command, "--port", str(port)], checkout.tool_environment(), checkout.ROOT
            )
            origin = Origin(name, port, process, threading.Event())
            self._origins.append(origin)
            threading.Thread(target=self._read, args=[origin], daemon=True).start()

    def write_config(self, path: Path) -> None:
        """Write the configuration with the origins' ports."""
        ports = [origin.port for origin in self._origins]
        path.write_text(CONFIG.format(names=NAMES, ports=ports, host=HOST))

    def wait_until_ready(self) -> None:
        """Wait until both origins listen."""
        for origin in self._origins:
            if not origin.settled.wait(START_SECONDS) or origin.process.poll() is not None:
                raise LocalRunError(f"the demo origin {origin.name} did not start")

    def report_stopped(self) -> None:
        """Print once for each stopped origin how to start it again."""
        for origin in self._origins:
            if origin.process.poll() is not None and not origin.reported:
                origin.reported = True
                self._show(f"{origin.name} has stopped; start it again with: {restart(origin)}")

    def panel(self, url: str, config: Path) -> Panel:
        """The panel with things to try."""
        first = self._origins[0]
        table = grid()
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row("Open", f"[link={url}]{url}[/link]")
        table.add_row("Who answers", f"curl -si {url} | grep -i x-served-by")
        for origin in self._origins:
            table.add_row(
                origin.name, f"http://{HOST}:{origin.port} (process {origin.process.pid})"
            )
        table.add_row("Stop it", f"kill {first.process.pid}")
        table.add_row("Start again", restart(first))
        table.add_row("Configuration", display(config))
        table.add_row("End", "Ctrl-C")
        return Panel(
            table, title="Evenkeel", title_align="left", expand=False, border_style="green"
        )

    def _read(self, origin: Origin) -> None:
        assert origin.process.stdout is not None
        for raw in origin.process.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            if LISTENING in line:
                origin.settled.set()
            else:
                self._show(line)
        origin.settled.set()


def restart(origin: Origin) -> str:
    """The command line that starts an origin again."""
    command = display(checkout.VENV / "bin" / "evenkeel")
    return f"{command} origin --name {origin.name} --port {origin.port}"


def display(path: Path) -> str:
    """A path relative to the working directory, if it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
