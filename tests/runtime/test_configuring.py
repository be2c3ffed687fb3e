"""Configuration of a running balancer: versions, propagation to isolates, power cuts."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.origins import Origin, origins
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.worker import Worker, running_worker

TOKEN = "a-token-of-forty-characters-for-the-tests"
AUTH = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Origin, Origin]]:
    """Two origins."""
    with origins(2) as (one, two):
        yield one, two


def configuration(one: Origin, two: Origin, **fields: Any) -> str:
    """The first origin while it is healthy, else the second."""
    return "\n".join(
        [
            monitor("m", **fields),
            pool("first", one, monitor="m"),
            pool("second", two, monitor="m"),
            load_balancer("*", "first", "second"),
        ]
    )


def document(text: str) -> dict[str, Any]:
    """The document for `apply`, made from a file."""
    return tomllib.loads(text)


def served_by(worker: Worker, host: str = "") -> str:
    """The origin that serves a request, or the status of a refusal."""
    said = httpx.get(
        worker.url, headers={"Host": host} if host else {}, trust_env=False, timeout=30
    )
    served_by = said.headers.get("x-served-by")
    return served_by if isinstance(served_by, str) else str(said.status_code)


def call(worker: Worker, method: str, path: str, body: object = None, **headers: str) -> Any:
    """The result of a call below the admin path."""
    said = httpx.request(
        method,
        f"{worker.url}/_lb{path}",
        headers={**AUTH, **headers},
        json=body,
        trust_env=False,
        timeout=30,
    )
    assert said.status_code == 200, said.text
    return said.json()["result"]


def running(text: str, state: Path) -> Any:
    """The Worker with its admin side open."""
    return running_worker(text, env={"LB_ADMIN_TOKEN": TOKEN}, options=[f"--state={state}"])


def test_a_configuration_is_changed_while_it_serves(
    pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """The isolate that handles an apply or a rollback serves the new configuration at once."""
    one, two = pair
    with running(configuration(one, two), tmp_path) as worker:
        assert served_by(worker) == "one"
        swapped = document(configuration(two, one))

        said = call(worker, "POST", "/apply", swapped)

        assert said["applied"] is True
        assert served_by(worker) == "two"
        assert [one["current"] for one in call(worker, "GET", "/versions")] == [True]
        text = httpx.get(f"{worker.url}/_lb/export", headers=AUTH, trust_env=False).text
        assert document(text) == swapped
        call(worker, "POST", "/versions/0/rollback")
        assert served_by(worker) == "one"


def test_requests_go_on_while_the_configuration_changes(
    pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """No request is lost while the configuration changes."""
    one, two = pair
    with running(configuration(one, two), tmp_path) as worker:
        both = [document(configuration(two, one)), document(configuration(one, two))]
        done, statuses = threading.Event(), []

        def ask() -> None:
            with httpx.Client(trust_env=False, timeout=30) as client:
                while not done.is_set():
                    statuses.append(client.get(worker.url).status_code)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for each in clients:
            each.start()
        for number in range(12):
            call(worker, "POST", "/apply", both[number % 2])
        done.set()
        for each in clients:
            each.join()

    assert set(statuses) == {200}


def test_an_isolate_that_starts_serves_what_operators_have_configured(
    pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """A new isolate serves the stored configuration from its first request on."""
    one, two = pair
    file = configuration(one, two).replace('name = "*"', 'name = "file.example.com"')
    other = file + load_balancer("api.example.com", "second")
    with running(file + load_balancer("more.example.com", "first"), tmp_path) as worker:
        assert served_by(worker, "api.example.com") == "421"
        call(worker, "POST", "/apply", document(other))
        assert served_by(worker, "api.example.com") == "two"
        worker.kill()

    with running(file + load_balancer("more.example.com", "first"), tmp_path) as worker:
        assert served_by(worker, "api.example.com") == "two"


def one_pool(one: Origin, two: Origin, *, enabled: bool) -> str:
    """One pool with slow start, whose second origin is enabled or not."""
    second = at(two, enabled=enabled)
    ejection = {"slow_start": 60}
    return (
        monitor("m")
        + pool("both", one, second, monitor="m")
        + load_balancer("*", "both", ejection=ejection)
    )


def share_of(name: str, worker: Worker) -> float:
    """The share of an origin of 150 requests over one connection."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        served = [client.get(worker.url).headers["x-served-by"] for _ in range(150)]
    return served.count(name) / len(served)


def test_an_enabled_origin_starts_slowly(pair: tuple[Origin, Origin], tmp_path: Path) -> None:
    """It got 77 of 157 requests in the first two seconds.

    By the API, with the isolate that serves on; and after a deployment whose file enables it, with
    an isolate that has just started.
    """
    off, on = one_pool(*pair, enabled=False), one_pool(*pair, enabled=True)
    with running(off, tmp_path / "api") as worker:
        assert share_of("two", worker) == 0
        call(worker, "POST", "/apply", document(on))
        assert 0 < share_of("two", worker) < 0.25

    with running(off, tmp_path / "file") as worker:
        until(lambda: call(worker, "GET", "/status")["probed"])
    with running(on, tmp_path / "file") as worker:
        assert 0 < share_of("two", worker) < 0.25


def change_until_it_dies(worker: Worker, texts: Iterator[str], said: dict[int, str]) -> None:
    """Apply configurations until the Worker dies, and record each acknowledged version."""
    for text in texts:
        try:
            version = call(worker, "POST", "/apply", document(text))["version"]
        except httpx.HTTPError:
            return
        said[version] = text


@pytest.mark.parametrize("least", [1, 5, 12])
def test_an_acknowledged_change_survives_a_power_cut(
    least: int, pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """Every acknowledged change survives a kill in the middle of changes."""
    acknowledged: dict[int, str] = {}
    texts = (configuration(*pair, description=f"number {number}") for number in count(1))
    with running(configuration(*pair), tmp_path) as worker:
        changer = threading.Thread(target=change_until_it_dies, args=(worker, texts, acknowledged))
        changer.start()
        until(lambda: len(acknowledged) >= least)
        worker.kill()
        changer.join()

    with running(configuration(*pair), tmp_path) as worker:
        versions = [each["version"] for each in call(worker, "GET", "/versions")]
        # One more version may be written without an acknowledgment.
        assert max(versions) - max(acknowledged) in {0, 1}
        assert set(acknowledged) <= set(versions)
        for version in acknowledged:
            (change,) = call(worker, "GET", f"/versions/{version}")["changes"][:1]
            assert f"number {version}" in json.dumps(change)


def test_regions_probe_what_operators_have_configured(
    pair: tuple[Origin, Origin], tmp_path: Path
) -> None:
    """The Durable Objects of regions probe the origins of the stored configuration."""
    one, two = pair
    with running(configuration(one, two), tmp_path) as worker:
        text = "\n".join(
            [
                monitor("m"),
                pool("new", at(two, header={}), monitor="m", check_regions=["WEU", "ENAM", "OC"]),
                load_balancer("*", "new"),
            ]
        )
        call(worker, "POST", "/apply", document(text))
        before = len(two.probes)

        until(lambda: len(two.probes) >= before + 6)

        assert served_by(worker) == "two"


def test_a_bad_file_is_no_reason_to_stop(pair: tuple[Origin, Origin], tmp_path: Path) -> None:
    """With an invalid file the stored configuration stays in service and can be changed."""
    one, two = pair
    with running(configuration(one, two), tmp_path) as worker:
        call(worker, "POST", "/apply", document(configuration(two, one)))

    empty = "load_balancers = []\n[state]\nrefresh = 20\n"
    with running(empty, tmp_path) as worker:
        assert served_by(worker) == "two"
        call(worker, "POST", "/apply", document(configuration(one, two)))
        assert served_by(worker) == "one"
