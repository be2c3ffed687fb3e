"""Shared health of isolates on workerd: in a Durable Object, in KV, or not shared."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool, table
from support.waiting import until
from support.worker import Worker, running_worker, settings

SLOW = {"consecutive_down": 3, "consecutive_up": 3}


def configuration(one: Origin, two: Origin, *, regions: tuple[str, ...] = (), **fields: Any) -> str:
    """Active-passive, probed every second unless `fields` of the monitor differ."""
    return "\n".join(
        [
            "state = { refresh = 1 }",
            monitor("m", **fields),
            pool("first", one, monitor="m", check_regions=list(regions)),
            pool("second", two, monitor="m", check_regions=list(regions)),
            load_balancer("*", "first", "second"),
        ]
    )


def served_by(worker: Worker) -> str:
    """The origin that serves a request."""
    return httpx.get(worker.url, trust_env=False, timeout=30).text


def trigger(worker: Worker) -> None:
    """Fire the cron trigger."""
    address = f"{worker.url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*&format=json"
    said = httpx.get(address, trust_env=False, timeout=30).json()
    assert said["outcome"] == "ok"


def events(worker: Worker, name: str) -> list[dict[str, Any]]:
    """The events of a name in the Worker's log."""
    return [line for line in worker.log_lines() if line["event"] == name]


def stored(state: Path) -> dict[str, Any]:
    """The stored view of the Durable Object and its number of events."""
    for file in state.glob("v3/do/evenkeel-State/*.sqlite"):
        with sqlite3.connect(file) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            if "kept" not in tables:
                continue
            ((text,),) = database.execute("SELECT value FROM kept").fetchall()
            ((count,),) = database.execute("SELECT count(*) FROM events").fetchall()
            return {**json.loads(json.loads(text)["shared"]), "events": count}
    raise AssertionError(f"nothing is stored in {state}")


@pytest.fixture
def pair() -> Iterator[tuple[Origin, Origin]]:
    """Two origins."""
    with origins(2) as (one, two):
        yield one, two


@pytest.fixture
def serving(tmp_path: Path, pair: tuple[Origin, Origin]) -> Callable[..., Any]:
    """Serve the pair, always with the same stored state."""

    @contextmanager
    def serve(*options: str, **fields: Any) -> Iterator[Worker]:
        state = f"--state={tmp_path / 'state'}"
        with running_worker(configuration(*pair, **fields), options=(state, *options)) as worker:
            yield worker

    return serve


def test_the_object_probes_for_all_and_isolates_follow(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """An isolate follows a change of health that the Durable Object found by its probes."""
    one, _ = pair
    with serving() as worker:
        assert served_by(worker) == "one"
        until(lambda: len(one.probes) >= 3)
        assert served_by(worker) == "one"  # this request fetches a fresh view
        one.fail_health()

        until(lambda: served_by(worker) == "two")

        assert events(worker, "failover") == []
        down = [line for line in events(worker, "health_changed") if line["after"] == "unhealthy"]
        assert [(line["origin"], line["cause"]) for line in down] == [
            ("one", "Response code mismatch")
        ]


def test_a_failure_that_only_probes_see_reaches_requests_in_time(
    pair: tuple[Origin, Origin],
) -> None:
    """Requests avoid the origin within consecutive_down x interval + 3 s, without a `refresh`."""
    one, _ = pair
    interval, down = 4, 3
    text = configuration(*pair, interval=interval, consecutive_down=down)
    with running_worker(text.replace("state = { refresh = 1 }\n", "")) as worker:
        assert served_by(worker) == "one"
        until(lambda: served_by(worker) == "one" and len(one.probes) >= 3)
        one.fail_health()
        failed, probes = time.monotonic(), len(one.probes)

        until(lambda: served_by(worker) == "two", seconds=40)

        # A busy machine is given two seconds.
        assert time.monotonic() - failed <= down * interval + 3 + 2
        assert len(one.probes) - probes >= down


def test_after_a_pause_a_post_is_not_sent_to_an_origin_known_to_be_down(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """A POST after a pause went by the old view, to an origin that was down, and was lost."""
    one, two = pair
    with serving(consecutive_down=1) as worker:
        until(lambda: served_by(worker) == "one" and len(one.probes) >= 2)
        served_by(worker)
        one.stop()
        until(lambda: events(worker, "health_changed")[-1]["after"] == "unhealthy")
        time.sleep(3)  # the view is old after twice `refresh`

        answers = [
            httpx.request(method, worker.url, content=body, trust_env=False, timeout=30)
            for method, body in (("POST", b"x"), ("DELETE", b""), ("POST", b"y" * 100_000))
        ]

        assert [(answer.status_code, answer.text) for answer in answers] == [(200, "two")] * 3
        assert events(worker, "attempt_failed") == []
        assert [request.method for request in two.requests] == ["POST", "DELETE", "POST"]


def test_isolates_do_not_probe_while_the_shared_view_is_fresh(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """An origin gets one probe per interval while the shared view is fresh."""
    one, _ = pair
    with serving() as worker:
        trigger(worker)
        until(lambda: len(one.probes) >= 2)
        served_by(worker)
        before, counted = one.probes[-1].at, len(one.probes)

        until(lambda: served_by(worker) and len(one.probes) >= counted + 3)

        assert one.probes[counted + 2].at - before > 2.5


def test_the_cron_trigger_starts_probing_without_a_visitor(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """The cron trigger starts probes without a request, and the alarm continues them."""
    one, two = pair
    with serving() as worker:
        trigger(worker)

        until(lambda: len(one.probes) >= 3 and len(two.probes) >= 3)
        assert one.requests == []


def test_the_object_probes_what_variables_define(pair: tuple[Origin, Origin]) -> None:
    """The object once ignored the variables and probed the file: its bindings come wrapped."""
    one, two = pair
    with running_worker("", vars={"ORIGINS": f"{one.url}, {two.url}"}) as worker:
        trigger(worker)

        until(lambda: len(events(worker, "health_changed")) == 2)

        assert events(worker, "error") == []


def test_state_survives_a_power_cut(
    serving: Callable[..., Any], pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """Health, events and version survive a power cut, and the alarm continues without a request."""
    one, _ = pair
    one.fail_health()
    with serving(**SLOW) as worker:
        trigger(worker)
        until(lambda: len(one.probes) >= 4)
        worker.kill()
    before = stored(tmp_path / "state")
    health = {origin: known["health"] for _, origin, known in before["origins"]}
    assert health == {"one": "unhealthy", "two": "healthy"}
    assert before["events"] > 0
    for origin in pair:
        origin.reset()

    with serving(**SLOW) as worker:
        until(lambda: one.probes)
        until(lambda: len(one.probes) >= 2)
        after = stored(tmp_path / "state")
        worker.kill()

    assert one.requests == []
    assert after["version"] >= before["version"]
    assert after["events"] >= before["events"]
    assert after["probed"] > before["probed"]


def test_an_isolate_that_starts_knows_what_was_known_before(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """A new isolate uses the stored view before any verdict of its own."""
    one, _ = pair
    one.fail_health()
    patient = {"interval": 3600, "consecutive_down": 1}
    with serving(**patient) as worker:
        trigger(worker)
        until(lambda: events(worker, "health_changed"))
        until(lambda: len(events(worker, "health_changed")) == 2)
    probes = len(one.probes)

    with serving(**patient) as worker:
        served_by(worker)
        until(lambda: served_by(worker) == "two")

    assert len(one.probes) == probes


def test_a_failure_of_real_traffic_makes_the_object_probe_at_once(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """A failure of real traffic makes the object probe before the interval ends."""
    one, _ = pair
    with serving(interval=3600, consecutive_down=1) as worker:
        trigger(worker)
        until(lambda: len(events(worker, "health_changed")) == 2)
        served_by(worker)
        one.stop()
        assert served_by(worker) == "two"

        until(lambda: served_by(worker) and len(events(worker, "health_changed")) == 3)

        assert events(worker, "health_changed")[2]["after"] == "unhealthy"


def test_an_object_that_cannot_be_reached_leaves_each_isolate_to_itself(
    serving: Callable[..., Any], pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """With an unreachable Durable Object the isolate logs an error and probes for itself."""
    one, _ = pair
    wrong = table("kv_namespaces", {"binding": "LB_STATE", "id": "wrong"})
    with serving(settings(tmp_path, wrong)) as worker:
        assert served_by(worker) == "one"
        one.fail_health()

        until(lambda: served_by(worker) == "two")
        assert "cannot be reached" in events(worker, "error")[0]["message"]


def test_without_bindings_an_isolate_probes_for_itself(
    serving: Callable[..., Any], pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """Without bindings an isolate probes for itself and logs no error."""
    one, _ = pair
    with serving(settings(tmp_path)) as worker:
        assert served_by(worker) == "one"
        one.fail_health()

        until(lambda: served_by(worker) == "two")
        trigger(worker)
        assert events(worker, "error") == []


def test_kv_carries_a_change_to_isolates_that_start_later(
    serving: Callable[..., Any], pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """A new isolate reads a change of health from KV before its own probes count."""
    one, _ = pair
    option = settings(tmp_path, table("kv_namespaces", {"binding": "LB_KV", "id": "health"}))
    one.fail_health()
    with serving(option, consecutive_up=100) as worker:
        until(lambda: served_by(worker) == "two")
        until(lambda: list((tmp_path / "state").glob("v3/kv/*/blobs/*")))
    one.reset()

    with serving(option, consecutive_up=100) as worker:
        served_by(worker)
        until(lambda: served_by(worker) == "two")
        assert [line["origin"] for line in events(worker, "health_changed")] in ([], ["two"])


def test_regions_probe_each_for_itself_and_the_majority_decides(
    serving: Callable[..., Any], pair: tuple[Origin, Origin]
) -> None:
    """The object of each region probes for itself, and the majority decides."""
    one, _ = pair
    regions = ("WNAM", "WEU", "OC")
    with serving(regions=regions, interval=3600, consecutive_down=1) as worker:
        one.fail_health()
        trigger(worker)

        until(lambda: len(events(worker, "health_changed")) == 2)

        assert [len(origin.probes) for origin in pair] == [3, 3]
        until(lambda: served_by(worker) == "two")
        assert events(worker, "error") == []
