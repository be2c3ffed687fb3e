"""`evenkeel token`: makes a token, and prints how to set it."""

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import UsageError, reason

BYTES = 32
"""Random bytes of a token, which make 43 characters."""
NAMES = {False: "LB_ADMIN_TOKEN", True: "LB_READ_TOKEN"}


def token(
    *,
    read: Annotated[
        bool, typer.Option("--read", help="Make a read-only token, for LB_READ_TOKEN.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="New file for the token, readable by you alone. The token is not printed then.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a token for the admin side, and print how to set it in the Worker.

    The token goes to the standard output, everything else to the standard error.
    """
    errors = plain_console(stderr=True)
    name, made = NAMES[read], new_token()
    source, once = "and paste it when asked.", "it is printed once and stored nowhere"
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
        source, once = f"< {output}", "this file is the only copy"
    errors.print(Text(f"Set it in the Worker: evenkeel wrangler secret put {name} {source}"))
    use = "EVENKEEL_TOKEN" if output is None else f"EVENKEEL_TOKEN_FILE={output}"
    errors.print(Text(f"The commands then take it from {use}."))
    errors.print(Text(f"Keep it like a password: {once}."))


def new_token() -> str:
    """A random token; it never begins like an option."""
    made = secrets.token_urlsafe(BYTES)
    while made.startswith("-"):
        made = secrets.token_urlsafe(BYTES)
    return made


def _write(file: Path, made: str) -> None:
    """Write a new file; an existing one may have the token in use and is left alone."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(f"{made}\n")
