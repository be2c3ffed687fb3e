"""`evenkeel check`: all problems of a configuration file, with their lines."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from evenkeel.check.detection import lines
from evenkeel.check.examination import CONFIG, examined, good
from evenkeel.check.located import from_here, show_problems
from evenkeel.output.console import plain_console
from evenkeel.output.errors import Exit, UsageError
from lb.config.doubts import Stage
from lb.model import Config, LoadBalancer, Pool, Rule


class Purpose(Enum):
    """What a configuration can be checked for: stages that a command has."""

    DEV = Stage.DEV.value
    CHECK = Stage.CHECK.value
    DEPLOY = Stage.DEPLOY.value


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
    file: Annotated[
        Path | None,
        typer.Argument(help="The file to check. Default: what `make deploy` would deploy."),
    ] = None,
    purpose: Annotated[
        Purpose,
        typer.Option(
            "--for",
            help="dev: origins on this machine are fine; deploy: placeholders are not.",
        ),
    ] = Purpose.CHECK,
) -> None:
    """Check a configuration: print every problem with its line, or a summary.

    Without a file: the variables of wrangler.toml, or else src/loadbalancer.toml; and the routes
    and flags of wrangler.toml.
    """
    console = plain_console()
    try:
        found = examined(file, Stage(purpose.value))
    except UsageError as error:
        shown = str(from_here(file or CONFIG))
        console.print(Text(error.message.replace(str(file or CONFIG), shown, 1), "red"))
        raise typer.Exit(error.code) from None
    show_problems(console, found.problems)
    if found.problems or found.config is None:
        show_problems(console, found.warnings, warning=True)
        raise typer.Exit(Exit.NO)
    console.print(Text(good(found), "green"))
    console.print(summary(found.config))
    for line in lines(found.config):
        console.print(Text(line, "dim"))
    show_problems(console, found.warnings, warning=True)
    for limit in found.limits:
        console.print(Text(f"warning: {limit} (docs/budget.md)", "yellow"))
