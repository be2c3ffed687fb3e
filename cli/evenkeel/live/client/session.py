"""The common part of all commands on a deployed balancer: options, output, exit codes."""

import inspect
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from evenkeel.live.client.answers import Reply
from evenkeel.live.client.host import Host
from evenkeel.live.client.target import ADMIN_PATH, Target, target_of
from evenkeel.live.client.token_source import is_open, token_of
from evenkeel.live.client.wire import Wire
from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import Failure, UsageError

PANEL = "The balancer"
TIMEOUT = 15.0
UNFOLDED = 1000


class Session:
    """One run of a command: its connection to the balancer, and its output."""

    def __init__(  # noqa: PLR0913 - one for each option that all commands have
        self,
        host: Host,
        *,
        url: str,
        token_file: Path | None,
        admin_path: str,
        timeout: float,
        insecure_http: bool,
        as_json: bool,
    ) -> None:
        self.host = host
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)
        self._url = url
        self._token_file = token_file
        self._admin_path = admin_path
        self._timeout = timeout
        self._insecure_http = insecure_http

    @cached_property
    def wire(self) -> Wire:
        """The connection to the balancer; UsageError without a good URL and token."""
        if not self._url.strip():
            raise UsageError(
                "no balancer given: give --url https://service.example.com, or set EVENKEEL_URL"
            )
        target = target_of(self._url, self._admin_path, insecure_http=self._insecure_http)
        ask = (lambda: _typed(target)) if self.host.has_user() else None
        token = token_of(self._token_file, self.host.environment, ask)
        if self._token_file is not None and is_open(self._token_file):
            self.report(f"warning: other users can read {self._token_file}: chmod 600 it", "yellow")
        return Wire(target, token, self._timeout, self.host, self.report)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if "wire" in self.__dict__:
            self.wire.__exit__()

    def report(self, line: str | Text, style: str = "") -> None:
        """Print a line for the user, on the standard error."""
        self.err.print(line if isinstance(line, Text) else Text(line, style))

    def notes(self, reply: Reply) -> None:
        """Print the balancer's messages on a change."""
        for note in reply.notes:
            self.report(f"note: {note}", "yellow")

    def json(self, value: object) -> None:
        """Print the result as JSON."""
        typer.echo(json.dumps(value, indent=2))

    def agreed(self, question: str, *, yes: bool, option: str = "--yes") -> bool:
        """Whether the user agrees; `yes` is the value of the option that answers the question."""
        if yes:
            return True
        if not self.host.has_user():
            raise UsageError(f"no terminal to ask on ({question}): {option} answers yes")
        return typer.confirm(question, err=True)


def _console(*, stderr: bool) -> Console:
    console = plain_console(stderr=stderr)
    if not console.is_terminal:
        # Lines of a table are not folded for programs that read them.
        console.width = UNFOLDED
    return console


def _typed(target: Target) -> str:
    answer: str = typer.prompt(f"Token of {target.url}", hide_input=True, err=True)
    return answer


def _options(  # noqa: PLR0913 - one for each option that all commands have
    context: typer.Context,
    *,
    url: Annotated[
        str,
        typer.Option(
            help="URL of the balancer: https://service.example.com.",
            envvar="EVENKEEL_URL",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the token; - = the standard input. Default: the environment variable "
            "EVENKEEL_TOKEN or LB_ADMIN_TOKEN; without these, you are asked.",
            envvar="EVENKEEL_TOKEN_FILE",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    admin_path: Annotated[
        str,
        typer.Option(
            help=f"Admin path. Default: the path of --url, or {ADMIN_PATH}.",
            envvar="EVENKEEL_ADMIN_PATH",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = "",
    timeout: Annotated[
        float,
        typer.Option(help="Seconds to wait for a response.", min=0.1, rich_help_panel=PANEL),
    ] = TIMEOUT,
    insecure_http: Annotated[
        bool,
        typer.Option(
            "--insecure-http",
            help="Send the token over http, where it can be read on the way.",
            rich_help_panel=PANEL,
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Session:
    """The common options, last in the help of each command."""
    return Session(
        context.find_object(Host) or Host(),
        url=url,
        token_file=token_file,
        admin_path=admin_path,
        timeout=timeout,
        insecure_http=insecure_http,
        as_json=as_json,
    )


def live(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command from a function that takes a Session and its own options.

    A Failure is printed on the standard error and becomes the exit code.
    """
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    common = inspect.signature(_options, eval_str=True).parameters
    names = [parameter.name for parameter in own]

    def command(**given: Any) -> None:
        session = _options(**{name: given[name] for name in common})
        try:
            function(session, **{name: given[name] for name in names})
        except Failure as failure:
            show_failure(session.err, failure)
            raise typer.Exit(failure.code) from None
        finally:
            session.close()

    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*own, *common.values())
    ]
    command.__doc__ = function.__doc__
    command.__name__ = function.__name__
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__dict__["__signature__"] = inspect.Signature(parameters)
    return command
