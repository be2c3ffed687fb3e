"""`evenkeel check`: all problems of a configuration file, with their lines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from evenkeel.check.detection import lines
from evenkeel.check.free_plan import warnings
from evenkeel.check.toml_lines import TomlLines
from evenkeel.dev.checkout import SOURCE
from evenkeel.output.console import plain_console
from evenkeel.output.errors import Exit, UsageError, reason
from lb.config import Invalid, Problem, from_toml
from lb.model import Config, LoadBalancer, Pool, Rule

CONFIG = SOURCE / "loadbalancer.toml"

_SYNTAX_LINE = re.compile(r"\(at line (\d+)")


@dataclass(frozen=True, slots=True)
class Located:
    """A problem and its line."""

    file: Path
    line: int
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


def read(file: Path) -> str:
    """Read a file; UsageError if it cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: cannot be read: not UTF-8 text") from error


def examine(file: Path) -> Config | tuple[Located, ...]:
    """The configuration in a file, or all of its problems in the order of lines."""
    return examine_text(read(file), file)


def examine_text(text: str, file: Path) -> Config | tuple[Located, ...]:
    """The configuration in the text of a file, or all of its problems in the order of lines."""
    parsed = from_toml(text)
    if not isinstance(parsed, Invalid):
        return parsed
    located = [Located(file, line, problem) for problem, line in _with_lines(text, parsed)]
    return tuple(sorted(located, key=lambda each: each.line))


def problems_of(file: Path) -> tuple[Located, ...]:
    """All problems of a file."""
    examined = examine(file)
    return () if isinstance(examined, Config) else examined


def _with_lines(text: str, invalid: Invalid) -> list[tuple[Problem, int]]:
    if any(problem.path == "$" for problem in invalid.problems):
        # The file is no TOML; the parser's message has the line.
        return [(problem, _syntax_line(text, problem)) for problem in invalid.problems]
    lines = TomlLines(text)
    return [(problem, lines[problem.path]) for problem in invalid.problems]


def _syntax_line(text: str, problem: Problem) -> int:
    if named := _SYNTAX_LINE.search(problem.message):
        return int(named[1])
    return text.count("\n") + 1 if "end of document" in problem.message else 1


def summary(config: Config) -> Tree:
    """A tree of load balancers, their pools in failover order, and the pools' origins."""
    tree = Tree(Text("load balancers"), hide_root=True)
    for balancer in config.load_balancers:
        branch = tree.add(_balancer_line(balancer))
        for rule in balancer.rules:
            branch.add(_rule_line(rule))
        for pool in balancer.watched:
            pools = branch.add(_pool_line(pool, balancer))
            for origin in pool.origins:
                line = Text(f"{origin.name}  {origin.url}")
                line.append("" if origin.enabled else "  disabled", "yellow")
                pools.add(line)
    return tree


def _balancer_line(balancer: LoadBalancer) -> Text:
    line = Text(balancer.name, "bold")
    affinity = balancer.session_affinity.value
    line.append(f"  steering_policy {balancer.steers_by.value}", "not bold dim")
    line.append(f", session_affinity {affinity}", "not bold dim")
    proxies = len(balancer.trusted_proxies)
    line.append(f", {proxies} trusted_proxies" if proxies else "", "not bold dim")
    line.append("" if balancer.enabled else "  disabled", "yellow")
    return line


def _rule_line(rule: Rule) -> Text:
    line = Text("rule ", "dim")
    line.append(rule.name or "without a name", "not dim")
    line.append(f"  {' '.join(rule.condition.split()) or 'every request'}", "dim")
    line.append("  disabled" if rule.disabled else "", "not dim yellow")
    return line


def _pool_line(pool: Pool, balancer: LoadBalancer) -> Text:
    line = Text(pool.name)
    monitor = f"  monitor {pool.monitor.name}" if pool.monitor else "  no monitor"
    group = pool.monitor_group
    line.append(f"  monitor_group {group.name}" if group else monitor, "dim")
    line.append(", fallback_pool" if pool is balancer.fallback_pool else "", "dim")
    if balancer.mirror is not None and pool is balancer.mirror.pool:
        line.append(f", gets copies of {balancer.mirror.percent:g} % of GET requests", "dim")
    if pool in balancer.reachable and pool not in balancer.pools:
        line.append(", for some requests only", "dim")
    line.append("" if pool.enabled else "  disabled", "yellow")
    return line


def command(
    file: Annotated[Path, typer.Argument(help="The file to check.")] = CONFIG,
) -> None:
    """Check a configuration file: print every problem with its line, or a summary."""
    console = plain_console()
    shown = from_here(file)
    try:
        examined = examine(file)
    except UsageError as error:
        console.print(Text(error.message.replace(str(file), str(shown), 1), "red"))
        raise typer.Exit(error.code) from None
    if isinstance(examined, Config):
        console.print(Text(f"{shown}: good", "green"))
        console.print(summary(examined))
        for line in lines(examined):
            console.print(Text(line, "dim"))
        for warning in warnings(examined):
            console.print(Text(f"warning: {warning} (docs/budget.md)", "yellow"))
        return
    show_problems(console, examined, shown)
    raise typer.Exit(Exit.NO)


def show_problems(console: Console, problems: Iterable[Located], shown: Path) -> None:
    """Print each problem as FILE:LINE: MESSAGE; `shown` is the file's path as printed."""
    for each in problems:
        line = Text(f"{shown}:{each.line}: ", "bold")
        line.append(each.problem.message, "not bold red")
        line.append(f" @ {each.problem.path}", "not bold dim")
        console.print(line)
        if each.problem.excerpt:
            console.print(Text(indent(each.problem.excerpt, "    ")))


def from_here(file: Path) -> Path:
    """A path relative to the working directory, if it is below it."""
    try:
        return file.relative_to(Path.cwd())
    except ValueError:
        return file
