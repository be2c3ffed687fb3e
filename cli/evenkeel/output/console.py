"""The consoles that commands print on, and a failure as they all print it."""

from rich.console import Console
from rich.text import Text

from evenkeel.output.errors import Failure


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints lines as they are, however long."""
    return Console(highlight=False, soft_wrap=True, stderr=stderr)


def show_failure(errors: Console, failure: Failure) -> None:
    """Print a failure and its hints."""
    errors.print(Text(f"evenkeel: {failure.message}", "red"))
    for hint in failure.hints:
        errors.print(Text(f"  {hint}"))
