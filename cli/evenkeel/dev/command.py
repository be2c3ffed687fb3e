"""`evenkeel dev`: serves a configuration on the real runtime until Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
import watchfiles
from rich.console import Console

from evenkeel.check.examination import Examined, examined, good
from evenkeel.check.located import show_problems
from evenkeel.check.wrangler_file import read_wrangler_file
from evenkeel.dev import checkout
from evenkeel.dev.demo import Demo
from evenkeel.dev.errors import LocalRunError
from evenkeel.dev.process_group import Family
from evenkeel.dev.runtime import Runtime, RuntimeEndedError, free_port, port_is_free
from evenkeel.dev.staging import Staging
from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import Failure, UsageError
from lb.config.doubts import Stage

DEFAULT_PORT = 8787
# Passed on from the environment as secrets: never printed, stored readable by the user only.
SECRETS = ("LB_ADMIN_TOKEN", "LB_READ_TOKEN", "LB_COOKIE_KEY")
TICK_SECONDS = 0.1


def command(  # noqa: PLR0913 - one for each option of the command
    config: Annotated[
        Path | None, typer.Option(help="File to serve instead of src/loadbalancer.toml.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help=f"Port to listen on; 0 = any free one. Default: {DEFAULT_PORT} if free."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which the Worker's state is kept. Default: state is discarded."
        ),
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option(help="Variable of the Worker, NAME=VALUE; repeatable.")
    ] = None,
    log_file: Annotated[
        Path | None, typer.Option(help="File for the Worker's log lines, in place of the terminal.")
    ] = None,
    *,
    wrangler: Annotated[
        Path, typer.Option(help="wrangler.toml with the Worker's bindings.")
    ] = checkout.WRANGLER_CONFIG,
    demo: Annotated[
        bool, typer.Option(help="Without --config: balance between two demo origins.")
    ] = True,
) -> None:
    """Serve the Worker locally, on the runtime that it has in production.

    The Worker reloads when its source or the configuration changes.

    The environment variables LB_ADMIN_TOKEN, LB_READ_TOKEN and LB_COOKIE_KEY become secrets of the
    Worker, like the lines of a .dev.vars file beside wrangler.toml.
    """
    run = Run(Console(highlight=False), plain_console(stderr=True))
    try:
        run.prepare(config, port, var or [], wrangler)
        run.serve(state, log_file, demo=demo and config is None)
    except Failure as failure:
        # Without a log file they are on the terminal already.
        tail = failure.tail if log_file and isinstance(failure, RuntimeEndedError) else []
        for line in tail:
            run.errors.print(f"  {line}", markup=False)
        show_failure(run.errors, failure)
        raise typer.Exit(failure.code) from None


class Run:
    """One run of the command."""

    def __init__(self, console: Console, errors: Console) -> None:
        self.console = console
        self.errors = errors
        self._stopping = threading.Event()
        self._examined: Examined | None = None

    def prepare(
        self, config: Path | None, port: int | None, variables: list[str], settings: Path
    ) -> None:
        """Check the options before any process is started."""
        if checkout.missing_pieces():
            raise LocalRunError("this checkout is not set up: run `make setup`.")
        for file in (config, settings):
            if file is not None and not file.is_file():
                raise LocalRunError(f"{file} is no file.")
        broken = read_wrangler_file(settings).problems
        if broken:
            show_problems(self.errors, broken)
            raise LocalRunError("nothing can run with that file: fix it first.")
        if port and not port_is_free(port):
            raise LocalRunError(f"port {port} is in use: choose another, or --port 0 for any.")
        self._settings = settings
        self._config = config.resolve() if config is not None else None
        self._port = free_port(DEFAULT_PORT) if port is None else port
        self._variables = dict(parse_variable(text) for text in variables)
        self._secrets = {name: os.environ[name] for name in SECRETS if os.environ.get(name)}

    def serve(self, state: Path | None, log_file: Path | None, *, demo: bool) -> None:
        """Start all processes, serve until a signal comes, end all processes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())
        with ExitStack() as stack:
            show = self._log(log_file, stack)
            staging = Staging(self._config, self._settings)
            family = stack.enter_context(Family(staging.folder))
            origins = Demo(family, self._say) if demo else None
            if origins is not None:
                staging.config = staging.folder / "demo.toml"
                origins.write_config(staging.config)
            self._examine(staging)
            staging.write(self._variables, self._secrets)
            runtime = Runtime(staging, family, show)
            runtime.reloaded = lambda: self._say("Reloaded.")
            runtime.start(self._port, str(state.resolve() if state else staging.folder / "state"))
            if not self._is_ready(runtime, origins):
                return
            self._greet(runtime, origins, staging)
            self._follow(staging)
            while not self._stopping.wait(TICK_SECONDS):
                runtime.check()
                if origins is not None:
                    origins.report_stopped()
            self._say("Ending ...")

    def _is_ready(self, runtime: Runtime, origins: Demo | None) -> bool:
        with self.console.status("Starting ..."):
            ready = runtime.wait_until_ready(self._stopping)
            if ready and origins is not None:
                origins.wait_until_ready()
        return ready

    def _greet(self, runtime: Runtime, origins: Demo | None, staging: Staging) -> None:
        if origins is not None and staging.config is not None:
            self.console.print(origins.panel(runtime.url, staging.config))
        # Plain and last, as other programs wait for this line.
        self._say(f"Ready on {runtime.url}")

    def _examine(self, staging: Staging) -> None:
        """Print what is wrong with the configuration, as `evenkeel check` does, once.

        A broken file can be edited while it is served: the Worker reloads.
        """
        try:
            found = examined(staging.config, Stage.DEV, self._variables, self._settings)
        except UsageError as error:
            show_failure(self.errors, error)
            return
        if found == self._examined:
            return
        if self._examined is not None and self._examined.problems and not found.problems:
            self._say(good(found))
        self._examined = found
        show_problems(self.errors, found.problems)
        show_problems(self.errors, found.warnings, warning=True)

    def _follow(self, staging: Staging) -> None:
        """Copy edited files; wrangler then reloads by itself."""
        self._watch(checkout.SOURCE, staging, lambda _change, _path: True, recursive=True)
        config = staging.config
        if config is not None:
            # The folder is watched, as editors replace the file.
            self._watch(
                config.parent, staging, lambda _, path: Path(path) == config, recursive=False
            )

    def _watch(
        self,
        folder: Path,
        staging: Staging,
        wanted: Callable[[watchfiles.Change, str], bool],
        *,
        recursive: bool,
    ) -> None:
        changes = watchfiles.watch(
            folder,
            watch_filter=wanted,
            debounce=200,
            stop_event=self._stopping,
            recursive=recursive,
        )

        def follow() -> None:
            for _ in changes:
                staging.copy_source()
                self._examine(staging)

        threading.Thread(target=follow, daemon=True).start()

    def _log(self, log_file: Path | None, stack: ExitStack) -> Callable[[str], None]:
        """The function that prints the Worker's lines."""
        if log_file is None:
            return self._say
        try:
            file = stack.enter_context(log_file.open("a", buffering=1))
        except OSError as error:
            raise LocalRunError(f"cannot write {log_file}: {error.strerror}.") from None
        return lambda line: print(line, file=file)

    def _say(self, line: str) -> None:
        try:
            print(line, flush=True)
        except OSError:
            # The terminal is gone: end the run.
            self._stopping.set()


def parse_variable(text: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise LocalRunError(f"--var: {text!r} is not NAME=VALUE.")
    return name, value
