"""How a command can fail, and the exit code that scripts get."""

from enum import IntEnum

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


class Exit(IntEnum):
    """Exit codes of the commands against a deployed balancer (docs/operating.md)."""

    FINE = 0
    NO = 1
    """The answer is no: not healthy with --check, refused, declined, not over in time."""
    USAGE = 2
    """The command itself cannot be carried out: options, files, names."""
    UNREACHABLE = 3
    """No answer, a fault of the balancer, or something that is no Evenkeel."""
    NOT_ALLOWED = 4
    """The token is missing there, wrong, or may only read; or too many were wrong."""
    CHANGED = 5
    """Somebody else has changed the configuration meanwhile."""


class Failure(Exception):  # noqa: N818 (it says what it is)
    """A command has failed; what it says holds no secret."""

    def __init__(self, code: Exit, message: str, *hints: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hints = hints


class UsageError(Failure):
    """What was asked for cannot be carried out as it is."""

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(Exit.USAGE, message, *hints)


def plain(text: object) -> str:
    """Foreign text as a terminal may be given it: on one line, with nothing that it would obey."""
    return "".join(each if each.isprintable() else UNPRINTABLE for each in str(text))
