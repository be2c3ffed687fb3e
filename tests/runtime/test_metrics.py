"""Metrics on workerd, compared with the requests of origins and clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from lb.metrics.text.openmetrics import CONTENT_TYPE
from lb.version import VERSION
from support.answers import reply
from support.origins import Origin, origins
from support.scrape import Scrape
from support.toml import load_balancer, monitor, pool, table
from support.waiting import until
from support.worker import Worker, running_worker, settings

TOKEN = "0123456789abcdef0123456789abcdef"
READ = "fedcba9876543210fedcba9876543210"
SERVICE, POKED = "service.example.com", "poked.example.com"
PATIENCE = 40.0

Serve = Callable[[], AbstractContextManager[Worker]]


def configuration(one: Origin, two: Origin) -> str:
    """Active-passive, and a load balancer whose requests only make isolates report counts."""
    ejecting = {
        "ejection": {"base_time": 1},
        "session_affinity": "cookie",
        "server_timing": True,
    }
    return "\n".join(
        [
            "state = { refresh = 1 }",
            monitor("m", interval=2),
            pool("first", one, monitor="m"),
            pool("second", two, monitor="m"),
            load_balancer(SERVICE, "first", "second", **ejecting),
            load_balancer(POKED, "second"),
        ]
    )


class Site:
    """The Worker as a client and as Prometheus see it."""

    def __init__(self, worker: Worker) -> None:
        self._url = worker.url

    def send(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Send a request."""
        url = self._url + path
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=30)

    def get(self, host: str = SERVICE) -> httpx.Response:
        """Send a request to a load balancer."""
        return self.send("GET", "/", Host=host)

    def ask(
        self, path: str = "/_lb/metrics", token: str = READ, method: str = "GET"
    ) -> httpx.Response:
        """Send a request below the admin path."""
        return self.send(method, path, Authorization=f"Bearer {token}")

    def scrape(self) -> Scrape:
        """Collect the metrics after a request that lets the isolate report its counts."""
        self.get(POKED)
        answer = self.ask()
        assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
        return Scrape(answer.text)

    def settled(self, requests: int) -> Scrape:
        """Collect the metrics once exactly `requests` requests of the service are counted."""

        def done() -> Scrape | None:
            found = self.scrape()
            counted = found.sum("evenkeel_requests_total", load_balancer=SERVICE)
            assert counted <= requests
            return found if counted == requests else None

        found = until(done, PATIENCE)
        assert found is not None
        return found


@pytest.fixture
def pair() -> Iterator[tuple[Origin, Origin]]:
    """Two origins."""
    with origins(2) as (one, two):
        yield one, two


@pytest.fixture
def serve(tmp_path: Path, pair: tuple[Origin, Origin]) -> Serve:
    """Serve the pair, always with the same stored state."""

    def serving() -> AbstractContextManager[Worker]:
        options = [f"--state={tmp_path / 'state'}"]
        return running_worker(
            configuration(*pair),
            vars={"LB_READ_TOKEN": READ},
            env={"LB_ADMIN_TOKEN": TOKEN},
            options=options,
        )

    return serving


def test_numbers_add_up_and_survive_a_power_cut(serve: Serve, pair: tuple[Origin, Origin]) -> None:
    """Counters match the traffic and continue after a power cut."""
    one, two = pair
    with serve() as worker:
        site = Site(worker)
        for _ in range(20):
            answer = site.get()
            assert answer.text == "one"
        timing = r'lb;dur=[\d.]+, origin;desc="one";dur=[\d.]+, attempts;desc="1"'
        assert re.fullmatch(timing, answer.headers["server-timing"])
        assert "server-timing" not in site.get(POKED).headers
        one.behave(reply(503))
        answers = [site.get().text for _ in range(5)]
        one.behave()
        assert set(answers) == {"two"}

        found = site.settled(25)

        service = {"load_balancer": SERVICE}
        hosts = [request.header("x-forwarded-host") for request in two.requests]
        assert found.sum("evenkeel_attempts_total", **service, origin="one") == len(one.requests)
        assert (
            found.sum("evenkeel_attempts_total", **service, origin="two")
            == hosts.count(SERVICE)
            == 5
        )
        failed = len(one.requests) - 20
        assert failed >= 1
        assert found.all("evenkeel_failovers_total", **service) == {("first", "one"): failed}
        assert found.sum("evenkeel_retries_total", **service, origin="two") == failed
        assert found.sum("evenkeel_ejections_total", **service, origin="one") == 1
        assert found.all("evenkeel_requests_total", **service, origin="two", attempt="2") == {
            ("second", "2xx"): failed
        }
        assert found.sum("evenkeel_request_duration_seconds_count", **service) == 25
        assert found.sum("evenkeel_sessions_total", **service, result="miss") == 25
        worker.kill()

    with serve() as worker:
        site = Site(worker)
        found = Scrape(site.ask().text)
        assert found.sum("evenkeel_requests_total", **service) == 25
        site.get()
        assert site.settled(26).sum("evenkeel_request_duration_seconds_count", **service) == 26


def test_what_the_object_knows_is_told_and_everybody_may_not_see_it(
    serve: Serve, pair: tuple[Origin, Origin]
) -> None:
    """The metrics hold health and probes, and need a GET with a valid token."""
    one, _ = pair
    with serve() as worker:
        site = Site(worker)
        until(lambda: site.scrape().sum("evenkeel_probes_total", origin="one", result="passed"))
        one.fail_health()

        def down() -> Scrape | None:
            found = site.scrape()
            state = {"evenkeel_origin_health": "unhealthy"}
            return found if found.sum("evenkeel_origin_health", origin="one", **state) else None

        found = until(down, PATIENCE)

        assert found is not None
        assert found.sum("evenkeel_probes_total", origin="one", result="failed") >= 1
        assert found.sum("evenkeel_probe_latest_seconds", origin="two") > 0
        critical = {"evenkeel_pool_health": "critical"}
        assert found.all("evenkeel_pool_health", **critical) == {("first",): 1, ("second",): 0}
        degraded = {"evenkeel_load_balancer_health": "degraded"}
        assert found.all("evenkeel_load_balancer_health", **degraded)[SERVICE,] == 1
        assert found.sum("evenkeel_snapshot_age_seconds") < 3600
        assert found.sum("evenkeel_alarm_lateness_seconds") < 3600
        assert found.sum("evenkeel_build_info", version=VERSION) == 1
        assert site.ask(token="x" * 32).status_code in {401, 403}
        assert site.ask("/_lb/metrics/more").status_code == 404
        assert site.ask(method="POST", token=TOKEN).status_code == 405


@pytest.mark.parametrize(
    ("kind", "fields", "troubled"),
    [
        ("analytics_engine_datasets", {"dataset": "evenkeel"}, False),
        ("kv_namespaces", {"id": "wrong"}, True),
    ],
)
def test_data_points_are_written_where_a_dataset_is_bound(
    pair: tuple[Origin, Origin],
    tmp_path: Path,
    kind: str,
    fields: dict[str, str],
    troubled: bool,
) -> None:
    """Data points are written to a bound dataset; a wrong binding is logged and harmless."""
    option = settings(tmp_path, table(kind, {"binding": "LB_ANALYTICS", **fields}))
    with running_worker(configuration(*pair), options=[option]) as worker:
        site = Site(worker)

        def told() -> bool:
            assert site.get().text == "one"
            errors = [line for line in worker.log_lines() if line["event"] == "error"]
            return any("data points" in line["message"] for line in errors)

        if troubled:
            until(told, PATIENCE)
        else:
            began = len(pair[0].requests)
            until(lambda: told() or len(pair[0].requests) > began + 50, PATIENCE)
            assert not told()
