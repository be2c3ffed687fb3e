"""How a command fails: exit codes, and failures with a message for the user."""

from enum import IntEnum

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


class Exit(IntEnum):
    """Exit codes of all commands (docs/operating.md has those for a deployed balancer)."""

    FINE = 0
    NO = 1
    """The answer is no: problems in a file, not healthy with --check, refused, declined, or not
    over in time. A local run that cannot start or ends by itself."""
    USAGE = 2
    """The command cannot be carried out as given: an option, a file, a name."""
    UNREACHABLE = 3
    """No answer, a failure of the balancer, or a server that is no Evenkeel."""
    NOT_ALLOWED = 4
    """Token missing in the Worker, wrong, or read-only; or too many wrong attempts."""
    CHANGED = 5
    """The configuration has been changed by another user meanwhile."""


class Failure(Exception):  # noqa: N818 (it says what it is)
    """A failed command. The message holds no secret."""

    def __init__(self, code: Exit, message: str, *hints: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hints = hints


class UsageError(Failure):
    """A command that cannot be carried out as given."""

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(Exit.USAGE, message, *hints)


def plain(text: object) -> str:
    """Text of unknown origin, safe for a terminal: one line without control characters."""
    return "".join(each if each.isprintable() else UNPRINTABLE for each in str(text))


def reason(error: OSError) -> str:
    """The operating system's reason for an error, in lower case."""
    return (error.strerror or type(error).__name__).lower()
