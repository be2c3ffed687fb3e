"""What every command against a deployed balancer has in common: options, output, exit codes."""

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
from evenkeel.live.client.host import World
from evenkeel.live.client.target import ADMIN_PATH, Target, target_of
from evenkeel.live.client.token_source import is_open, token_of
from evenkeel.live.client.wire import Wire
from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import Failure, UsageError

PANEL = "The balancer"
TIMEOUT = 15.0
UNFOLDED = 1000


class Session:
    """One run of a command: the way to the balancer, and where to print."""

    def __init__(  # noqa: PLR0913 - one for each option that all commands have
        self,
        world: World,
        *,
        url: str,
        token_file: Path | None,
        admin_path: str,
        timeout: float,
        insecure_http: bool,
        as_json: bool,
    ) -> None:
        self.world = world
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
        """The way to the balancer."""
        if not self._url.strip():
            raise UsageError(
                "which balancer? Give --url https://service.example.com, or set EVENKEEL_URL"
            )
        target = target_of(self._url, self._admin_path, insecure_http=self._insecure_http)
        ask = (lambda: _typed(target)) if self.world.has_person() else None
        token = token_of(self._token_file, self.world.environment, ask)
        if self._token_file is not None and is_open(self._token_file):
            self.tell(f"warning: others can read {self._token_file}: chmod 600 it", "yellow")
        return Wire(target, token, self._timeout, self.world, self.tell)

    def close(self) -> None:
        """End the connection, if there ever was one."""
        if "wire" in self.__dict__:
            self.wire.__exit__()

    def tell(self, line: str | Text, style: str = "") -> None:
        """Say something to the person, never to the program that reads the output."""
        self.err.print(line if isinstance(line, Text) else Text(line, style))

    def notes(self, reply: Reply) -> None:
        """Say what the balancer wants known of something that it has done."""
        for note in reply.notes:
            self.tell(f"note: {note}", "yellow")

    def json(self, value: object) -> None:
        """Print the result for programs."""
        typer.echo(json.dumps(value, indent=2))

    def agreed(self, question: str, *, yes: bool, option: str = "--yes") -> bool:
        """Whether to go on; `option` is what answers the question, and `yes` whether it does."""
        if yes:
            return True
        if not self.world.has_person():
            raise UsageError(f"nobody is there to be asked ({question}): {option} says yes")
        return typer.confirm(question, err=True)


def _console(*, stderr: bool) -> Console:
    console = plain_console(stderr=stderr)
    if not console.is_terminal:
        # Programs read line by line: a table's lines are not folded for them.
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
            help="Where it is: https://service.example.com.",
            envvar="EVENKEEL_URL",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="The file with its token; - is the standard input. Without it: the environment "
            "variable EVENKEEL_TOKEN or LB_ADMIN_TOKEN; without these, you are asked.",
            envvar="EVENKEEL_TOKEN_FILE",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    admin_path: Annotated[
        str,
        typer.Option(
            help=f"Its admin path. Without it: {ADMIN_PATH}, or the path of --url.",
            envvar="EVENKEEL_ADMIN_PATH",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = "",
    timeout: Annotated[
        float,
        typer.Option(help="Seconds that an answer may take.", min=0.1, rich_help_panel=PANEL),
    ] = TIMEOUT,
    insecure_http: Annotated[
        bool,
        typer.Option(
            "--insecure-http",
            help="Send the token over http, where everybody on the way can read it.",
            rich_help_panel=PANEL,
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> Session:
    """The options that all of the commands have, last in each one's help."""
    return Session(
        context.find_object(World) or World(),
        url=url,
        token_file=token_file,
        admin_path=admin_path,
        timeout=timeout,
        insecure_http=insecure_http,
        as_json=as_json,
    )


def live(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function that takes a Session and options of its own.

    A Failure becomes its message on the standard error, and its exit code.
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
