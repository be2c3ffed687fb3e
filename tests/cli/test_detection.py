"""What `evenkeel check` says of a failure that only probes see: the time, and its cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from evenkeel.app import app
from evenkeel.check.detection import lines, seconds_to_requests
from lb.model import Config, State
from support.make import balancer_of, config_of, monitor, pool
from support.toml import load_balancer, table
from support.toml import pool as pool_text

if TYPE_CHECKING:
    from pathlib import Path


def watched(interval: int, down: int, refresh: int | None = None) -> Config:
    """Return an origin that is probed every `interval` seconds."""
    watching = monitor(interval=interval, consecutive_down=down)
    config = config_of(balancer_of(pool("p", "a", monitor=watching)))
    return replace(config, state=State(refresh=refresh))


@pytest.mark.parametrize(
    ("interval", "down", "refresh", "seconds"),
    [
        (10, 3, None, 33),
        (15, 3, None, 48),
        (5, 2, None, 13),
        (60, 0, None, 63),
        (5, 0, None, 18),  # pulls come every 10 s at most
        (10, 3, 30, 63),  # an explicit time is kept
        (10, 3, 20, 33),
        (30, 3, 30, 93),
    ],
)
def test_a_failure_reaches_requests_after_the_verdict_or_the_next_pull(
    interval: int, down: int, refresh: int | None, seconds: float
) -> None:
    """Pulls follow the rounds unless they are too quick, or an operator has chosen the time."""
    config = watched(interval, down, refresh)
    (watching,) = config.pools[0].monitors

    assert seconds_to_requests(config, watching) == seconds


def test_the_sentences_say_what_the_choice_costs() -> None:
    """Five isolates ask all day."""
    first, second = lines(watched(5, 2))

    assert first == (
        "isolates ask for health every 10 s: 43,200 Durable Object requests a day with 5 isolates, "
        "43% of the free plan"
    )
    assert second == "monitor m: a failure that only probes see reaches requests in 13 s"


def test_without_monitors_there_is_nothing_to_say() -> None:
    """Nothing is probed."""
    assert list(lines(config_of(balancer_of(pool("p", "a"))))) == []


def test_check_shows_them(tmp_path: Path) -> None:
    """They stand below the summary of a good file."""
    file = tmp_path / "lb.toml"
    places = ({"name": "a", "address": "a.example.com"},)
    watching = table("monitors", {"name": "m", "interval": 10, "consecutive_down": 3})
    file.write_text(watching + pool_text("p", *places, monitor="m") + load_balancer("*", "p"))

    shown = " ".join(CliRunner().invoke(app, ["check", str(file)]).output.split())

    assert "every 30 s: 14,400" in shown
    assert "in 33 s" in shown
