"""`evenkeel token`: a new token, and where it goes."""

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import UsageError, reason

BYTES = 32
"""Of chance: 43 characters."""
NAMES = {False: "LB_ADMIN_TOKEN", True: "LB_READ_TOKEN"}


def token(
    *,
    read: Annotated[
        bool, typer.Option("--read", help="For LB_READ_TOKEN, which may only look.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write it to this new file, which only you can read, and do not show it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a token for the admin side, and say how to give it to the Worker.

    The token goes to the standard output and everything else to the standard error.
    """
    errors = plain_console(stderr=True)
    name, made = NAMES[read], new_token()
    source, once = "and paste it when you are asked.", "it is shown once, and stored nowhere"
    if output is None:
        typer.echo(made)
    else:
        try:
            _write(output, made)
        except OSError as error:
            failure = UsageError(f"{output}: cannot be written: {reason(error)}")
            show_failure(errors, failure)
            raise typer.Exit(failure.code) from None
        errors.print(Text(f"wrote {output}"))
        source, once = f"< {output}", "this file alone has it"
    errors.print(Text(f"Give it to the Worker: evenkeel wrangler secret put {name} {source}"))
    use = "EVENKEEL_TOKEN" if output is None else f"EVENKEEL_TOKEN_FILE={output}"
    errors.print(Text(f"Then these commands take it from {use}."))
    errors.print(Text(f"Keep it like a password: {once}."))


def new_token() -> str:
    """Long enough that nobody guesses it; it never looks like an option."""
    made = secrets.token_urlsafe(BYTES)
    while made.startswith("-"):
        made = secrets.token_urlsafe(BYTES)
    return made


def _write(file: Path, made: str) -> None:
    """Never over a file that is there: it may hold the token that is in use."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(f"{made}\n")
