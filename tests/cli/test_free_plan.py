"""The use of the free plan by a configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from evenkeel.app import app
from evenkeel.check.free_plan import FREE_PLAN, USUAL, Assumptions, Resource, usage, warnings
from evenkeel.docs.budget_page import PAGE, default_config, page_text
from lb.model import Config, Monitor, Notification, Region, SinkType, State
from lb.state.refresh import Home
from support.make import balancer_of, config_of, monitor, pool
from support.toml import load_balancer, table
from support.toml import pool as pool_text

METRICS = 1440
"""Rows a day: one a minute."""

QUIET = Assumptions(isolates=1, incidents=0, hanging=0, crons=0)


def watched(*monitors: Monitor, origins: int = 1, **fields: Any) -> Config:
    """Return a configuration with a pool for each monitor."""
    pools = [
        pool(f"p{number}", *(f"o{each}" for each in range(origins)), monitor=one, **fields)
        for number, one in enumerate(monitors)
    ]
    return config_of(balancer_of(*pools))


def used(
    config: Config, home: Home = Home.OBJECT, assumed: Assumptions = QUIET
) -> dict[Resource, int]:
    """Return the use of each resource."""
    return {use.resource: use.used for use in usage(config, home, assumed)}


def test_every_resource_has_its_limit() -> None:
    """The limit has Cloudflare's page as its source."""
    assert set(FREE_PLAN) == set(Resource)
    assert all(
        limit.page.startswith("https://developers.cloudflare.com/") for limit in FREE_PLAN.values()
    )


def test_the_default_configuration_uses_less_than_a_fifth() -> None:
    """That is of every limit, with several isolates, incidents, and the most visitors allowed."""
    config = default_config()
    assert len({origin for each in config.pools for origin in each.origins}) == 2
    uses = usage(config, Home.OBJECT)

    assert len(uses) == 7
    assert {use.resource: use.share for use in uses if use.share >= 0.2} == {}
    assert USUAL.isolates > 1
    assert max(use.share for home in Home for use in usage(config, home)) <= 0.2
    assert warnings(config) == []


def test_a_round_is_an_alarm_and_two_rows() -> None:
    """One row is for health, one for the next alarm; isolates and metrics come on top."""
    found = used(watched(monitor(interval=60)))

    assert found[Resource.ROWS_WRITTEN] == 2 * 1440 + METRICS
    assert found[Resource.OBJECT_REQUESTS] == 1440 + 86_400 // 30


def test_monitors_with_one_interval_share_their_rounds() -> None:
    """Monitors with another interval have their own rounds."""
    same = used(watched(monitor(interval=60), monitor(interval=60)))
    other = used(watched(monitor(interval=60), monitor(interval=30)))

    assert same[Resource.ROWS_WRITTEN] == 2 * 1440 + METRICS
    assert other[Resource.ROWS_WRITTEN] == 2 * (1440 + 2880) + METRICS


def test_a_second_dozen_of_origins_is_a_second_alarm() -> None:
    """An alarm has 50 subrequests, so it probes twelve origins at most."""
    dozen = used(watched(monitor(interval=60), origins=12))
    assert dozen[Resource.ROWS_WRITTEN] == 2 * 1440 + METRICS
    many = used(watched(monitor(interval=60), origins=13))
    assert many[Resource.ROWS_WRITTEN] == 4 * 1440 + METRICS
    assert many[Resource.OF_AN_ALARM] == 36


def test_isolates_ask_no_more_often_than_they_have_requests() -> None:
    """Isolates ask only behind responses."""
    config = watched(monitor(interval=3600))
    some = used(config, assumed=replace(QUIET, isolates=3))
    few = used(config, assumed=replace(QUIET, isolates=3, requests=100))

    assert some[Resource.OBJECT_REQUESTS] == 24 + 3 * 86_400 // 30
    assert few[Resource.OBJECT_REQUESTS] == 24 + 100


def test_each_region_is_asked_in_each_round() -> None:
    """Each region costs a request and the time of another object."""
    here = used(watched(monitor(interval=60)))
    there = used(watched(monitor(interval=60), check_regions=(Region.WEU, Region.ENAM)))

    assert there[Resource.OBJECT_REQUESTS] == here[Resource.OBJECT_REQUESTS] + 2 * 1440
    assert there[Resource.DURATION] > 2.5 * here[Resource.DURATION]
    assert there[Resource.OF_AN_ALARM] == here[Resource.OF_AN_ALARM] + 2


def test_hanging_probes_take_time() -> None:
    """The object is awake for time-outs and retries, which make most of its GB-s."""
    config = watched(monitor(interval=60, timeout=5, retries=2))
    calm = used(config)[Resource.DURATION]
    worst = used(config, assumed=replace(QUIET, hanging=86_400))[Resource.DURATION]

    assert calm == pytest.approx(0.128 * (1440 + 2880 * 0.02), abs=1)
    assert worst == pytest.approx(0.128 * (1440 * 15 + 2880 * 0.02), abs=1)


def test_incidents_are_events_and_reports() -> None:
    """Beginning and end each write a row, delete one, and cost a pull; isolates report once."""
    config = watched(monitor(interval=60))
    assumed = replace(QUIET, incidents=10, isolates=2)
    more, calm = used(config, assumed=assumed), used(config, assumed=replace(assumed, incidents=0))

    assert more[Resource.ROWS_WRITTEN] - calm[Resource.ROWS_WRITTEN] == 40
    assert more[Resource.OBJECT_REQUESTS] - calm[Resource.OBJECT_REQUESTS] == 20 + 40


def test_kv_is_read_once_a_minute_and_written_on_change() -> None:
    """Each isolate reads it; more often would return the same cached copy."""
    config = replace(watched(monitor(interval=5)), state=State(refresh=5))
    found = used(config, Home.KV, replace(QUIET, isolates=4, incidents=3))

    assert found[Resource.KV_READS] == 4 * 1440
    assert found[Resource.KV_WRITES] == 4 * 6
    assert Resource.ROWS_WRITTEN not in found


UNWATCHED = config_of(balancer_of(pool("p", "a", "b"), pool("q", "c", "d")))


@pytest.mark.parametrize("home", [Home.KV, Home.MEMORY])
def test_without_monitors_nothing_is_used_but_attempts(home: Home) -> None:
    """A request has as many subrequests as attempts."""
    assert used(UNWATCHED, home) == {Resource.OF_A_REQUEST: 3}


def test_without_monitors_isolates_ask_for_the_configuration_alone() -> None:
    """Nothing is probed; metrics are still handed over."""
    found = used(UNWATCHED, Home.OBJECT, replace(QUIET, incidents=5))

    assert found[Resource.OF_A_REQUEST] == 3 + 1
    assert found[Resource.OBJECT_REQUESTS] == 86_400 // 30
    assert found[Resource.ROWS_WRITTEN] == METRICS


def test_subrequests_of_one_request() -> None:
    """Attempts, the request for shared health, and an isolate's probes count, with redirects."""
    plain = used(watched(monitor(retries=2), monitor(retries=2)))
    followed = used(watched(monitor(retries=0, follow_redirects=True)))

    assert plain[Resource.OF_A_REQUEST] == 2 + 1 + 6
    assert followed[Resource.OF_A_REQUEST] == 1 + 1 + 6


def test_messages_are_subrequests_of_an_alarm() -> None:
    """Each notification is a subrequest."""
    slack = (Notification(name="n", type=SinkType.SLACK, secret="S"),)
    config = watched(monitor(retries=0))

    assert used(config)[Resource.OF_AN_ALARM] == 1
    assert used(replace(config, notifications=slack))[Resource.OF_AN_ALARM] == 2


def test_the_page_is_up_to_date() -> None:
    """`evenkeel schema` would change nothing."""
    page = PAGE.read_text("utf-8")
    assert page_text(page) == page


def test_check_warns_of_exceeded_limits(tmp_path: Any) -> None:
    """A warning is not a problem: the configuration is good, and there are paid plans."""
    places = [{"name": f"o{each}", "address": f"o{each}.acme.io"} for each in range(2)]
    file = tmp_path / "lb.toml"

    def run(interval: int) -> tuple[int, list[str]]:
        watching = table("monitors", {"name": "m", "interval": interval, "timeout": 0.5})
        file.write_text(watching + pool_text("p", *places, monitor="m") + load_balancer("*", "p"))
        result = CliRunner().invoke(app, ["check", str(file)])
        return result.exit_code, [line for line in result.output.splitlines() if "warning" in line]

    assert run(60) == (0, [])
    code, lines = run(1)
    assert code == 0
    too_much = "exceed the 100,000 of the free plan (docs/budget.md)"
    assert lines == [
        f"warning: Durable Object requests: 101,238 {too_much}",
        f"warning: rows written: 174,280 {too_much}",
    ]


def test_metrics_are_a_row_a_minute_at_most() -> None:
    """A shorter refresh stores them more often; without requests there are none but probes'."""
    config = watched(monitor(interval=3600))
    calm = replace(QUIET, requests=0)

    def rows(refresh: int, assumed: Assumptions) -> int:
        return used(replace(config, state=State(refresh=refresh)), assumed=assumed)[
            Resource.ROWS_WRITTEN
        ]

    assert rows(30, QUIET) == 2 * 24 + METRICS
    assert rows(10, QUIET) == 2 * 24 + 86_400 // 20
    assert rows(30, calm) == 3 * 24
