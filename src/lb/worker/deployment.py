"""The deployment's own configuration, read when an isolate or the Durable Object starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import js

from lb.config import Invalid, Problem, Source, source_in, source_in_toml
from lb.log_events import Notice, Trouble
from lb.proxy.balancer import Balancer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.metrics.isolate_totals import IsolateTotals
    from lb.model import Config
    from lb.model.header_secrets import Secret
    from lb.ports import Log

# Read at the top level, so that the memory snapshot taken at deploy holds the parsed file. Nothing
# here may hold a JavaScript object, which a snapshot cannot contain.
_FILE = Path(__file__).parents[2] / "loadbalancer.toml"
_FROM_FILE = (
    source_in_toml(_FILE.read_text("utf-8", errors="replace"))
    if _FILE.exists()
    else Source(
        {},
        Invalid(
            (Problem("$", "there is no src/loadbalancer.toml, and no variable names origins"),)
        ),
    )
)


def variables_of(env: Any) -> dict[str, str | float | bool]:
    """Return the variables and secrets in an environment, without bindings, which are objects.

    A Durable Object gets the SDK's wrapper, which has attributes but no entries.
    """
    bare = getattr(env, "_env", env)
    entries = ((entry[0], entry[1]) for entry in js.Object.entries(bare))
    return {name: value for name, value in entries if isinstance(value, str | int | float)}


def in_development(variables: Mapping[str, object]) -> bool:
    """Whether `evenkeel dev` runs this Worker."""
    return bool(variables.get("EVENKEEL_DEV"))


def source_of(variables: Mapping[str, object], log: Log) -> Source:
    """Return the deployment's configuration, from its variables or its file; log every problem."""
    source = source_in(variables)
    if source is None:
        source = _FROM_FILE
    else:
        log(Notice(message="the variables define the balancer; loadbalancer.toml is not read"))
    if isinstance(source.parsed, Invalid):
        for problem in source.parsed.problems:
            log(Trouble(message=f"configuration: {problem}"))
    return source


def secret_in(variables: Mapping[str, object]) -> Secret:
    """Return the function that returns secrets by their names."""
    return lambda name: str(variables.get(name) or "")


def start(
    config: Config, variables: Mapping[str, object], before: Balancer | None, counts: IsolateTotals
) -> Balancer:
    """Return the balancer of a configuration; it takes over what `before` knows of origins."""
    return Balancer(
        config,
        cookie_key=str(variables.get("LB_COOKIE_KEY") or ""),
        any_host=in_development(variables),
        before=before,
        tallies=counts.of,
        secret=secret_in(variables),
    )
