"""Reads the configuration when an isolate starts: the file, or the variables in its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import js

from lb.balancer import Balancer
from lb.config import Invalid, Problem, from_toml, from_variables
from lb.events import Notice, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Config
    from lb.ports import Log

# Read at the top level, so that the memory snapshot taken at deploy holds the parsed file.
# Nothing here may hold a JavaScript object, or there is no snapshot.
_FILE = Path(__file__).parents[2] / "loadbalancer.toml"
_FROM_FILE = (
    from_toml(_FILE.read_text("utf-8", errors="replace"))
    if _FILE.exists()
    else Invalid(
        (Problem("$", "there is no src/loadbalancer.toml, and no variable names origins"),)
    )
)


def variables_of(env: Any) -> dict[str, str | float | bool]:
    """Return the variables and secrets among the bindings, which are objects.

    A Durable Object is given the SDK's own wrapper, which has attributes but no entries.
    """
    bare = getattr(env, "_env", env)
    entries = ((entry[0], entry[1]) for entry in js.Object.entries(bare))
    return {name: value for name, value in entries if isinstance(value, str | int | float)}


def in_development(variables: Mapping[str, object]) -> bool:
    """Whether `evenkeel dev` serves this Worker."""
    return bool(variables.get("EVENKEEL_DEV"))


def configured(variables: Mapping[str, object], log: Log) -> Config | None:
    """Return the configuration; None, with every problem logged, if it is bad."""
    parsed = from_variables(variables)
    if parsed is None:
        parsed = _FROM_FILE
    else:
        log(Notice(message="the variables define the balancer; loadbalancer.toml is not read"))
    if isinstance(parsed, Invalid):
        for problem in parsed.problems:
            log(Trouble(message=f"configuration: {problem}"))
        return None
    return parsed


def start(config: Config | None, variables: Mapping[str, object]) -> Balancer | None:
    """Return the balancer of a good configuration."""
    if config is None:
        return None
    return Balancer(
        config,
        cookie_key=str(variables.get("LB_COOKIE_KEY") or ""),
        any_host=in_development(variables),
    )
