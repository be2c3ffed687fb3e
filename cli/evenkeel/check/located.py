"""Problems and warnings of a file, each with its line."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from rich.console import Console
from rich.text import Text

from evenkeel.check.syntax import plain_syntax
from evenkeel.check.toml_lines import TomlLines
from evenkeel.output.errors import UsageError, reason
from lb.config import Problem

NO_FILE = Path("--var")
"""Stands for the file of a variable that an option gives."""


@dataclass(frozen=True, slots=True)
class Located:
    """A problem, or a warning, and its line."""

    file: Path
    line: int
    """0 = the value is not in a file."""
    problem: Problem

    @property
    def place(self) -> str:
        """FILE:LINE."""
        return f"{self.file}:{self.line}" if self.line else str(self.file)

    @property
    def path(self) -> str:
        """The path as shown: ` @ PATH`; "" for the whole file."""
        return "" if self.problem.path == "$" else f" @ {self.problem.path}"

    def __str__(self) -> str:
        return f"{self.place}: {self.problem.message}{self.path}"


class Lines:
    """The lines of a file's values."""

    def __init__(self, file: Path, text: str, given: Iterable[str] = ()) -> None:
        """`given`: variables of options, which stand in place of the file's."""
        self.file = file
        self._text = text
        self._given = {f"$.vars.{name}" for name in given}
        self._lines: TomlLines | None = None

    def locate(self, problem: Problem) -> Located:
        """Return a problem with its line; a syntax error in plain words."""
        if problem.path in self._given:
            return Located(NO_FILE, 0, problem)
        if problem.path == "$" and problem.message.startswith("is not TOML"):
            line, message = plain_syntax(self._text, problem.message)
            return Located(self.file, line, Problem("$", message))
        if self._lines is None:
            self._lines = TomlLines(self._text)
        return Located(self.file, self._lines[problem.path], problem)

    def all(self, problems: Iterable[Problem]) -> tuple[Located, ...]:
        """Return problems in the order of lines."""
        return tuple(sorted(map(self.locate, problems), key=lambda each: each.line))


def read(file: Path) -> str:
    """Read a file; UsageError if it cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file}: cannot be read: not UTF-8 text (save it with the encoding UTF-8)"
        ) from error


def show_problems(console: Console, problems: Iterable[Located], *, warning: bool = False) -> None:
    """Print each problem as FILE:LINE: MESSAGE."""
    for each in problems:
        shown = Located(from_here(each.file), each.line, each.problem)
        line = Text(f"{shown.place}: ", "bold")
        if warning:
            line.append("warning: ", "not bold yellow")
        line.append(each.problem.message, "not bold yellow" if warning else "not bold red")
        line.append(shown.path, "not bold dim")
        console.print(line)
        if each.problem.excerpt:
            console.print(Text(indent(each.problem.excerpt, "    ")))


def from_here(file: Path) -> Path:
    """A path relative to the working directory, if it is below it."""
    try:
        return file.relative_to(Path.cwd())
    except ValueError:
        return file
