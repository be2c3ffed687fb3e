"""Cloudflare's own Python SDK as a client of the balancer, with only its base URL changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cloudflare import APIStatusError, BadRequestError, Cloudflare, NotFoundError

from support.api_bodies import bad_bodies
from support.origins import Origin, origins
from support.toml import load_balancer, pool
from support.waiting import until
from support.worker import Worker, running_worker

TOKEN = "a-token-of-forty-characters-for-the-tests"
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ZONE = "0da42c8d2132a9ddaf714f9e7c920711"
HOST = "www.example.com"
BAD_BODIES = 300


@pytest.fixture(scope="module")
def trio() -> Iterator[tuple[Origin, ...]]:
    """Two origins for the API and one for the configuration file."""
    with origins(3) as found:
        yield found


@pytest.fixture(scope="module")
def worker(trio: tuple[Origin, ...]) -> Iterator[Worker]:
    """A balancer whose configuration file serves a host of its own."""
    hosts = ("file.example.com", "more.example.com")
    served = [load_balancer(host, "of-the-file") for host in hosts]
    text = "\n".join([pool("of-the-file", trio[2]), *served])
    with running_worker(text, env={"LB_ADMIN_TOKEN": TOKEN}) as running:
        yield running


@pytest.fixture(scope="module")
def client(worker: Worker) -> Iterator[Cloudflare]:
    """The SDK as its users create it, with another base URL."""
    address = f"{worker.url}/_lb/client/v4"
    web = httpx.Client(trust_env=False, timeout=60)
    with Cloudflare(base_url=address, api_token=TOKEN, http_client=web) as made:
        yield made


def served_by(worker: Worker) -> str:
    """The origin that serves a request, or the status of a refusal."""
    said = httpx.get(worker.url, headers={"Host": HOST}, trust_env=False, timeout=30)
    return str(said.headers.get("x-served-by", said.status_code))


def test_the_whole_life_of_a_configuration(
    worker: Worker, client: Cloudflare, trio: tuple[Origin, ...]
) -> None:
    """The SDK creates, changes, monitors and deletes a load balancer with its pools and monitor."""
    one, two, _ = trio
    api = client.load_balancers
    assert served_by(worker) == "421"

    monitor = api.monitors.create(
        account_id=ACCOUNT, type="http", path="/health", interval=5, retries=0, allow_insecure=True
    )
    assert len(str(monitor.id)) == 32
    assert monitor.allow_insecure is True
    pools = [
        api.pools.create(
            account_id=ACCOUNT,
            name=name,
            monitor=str(monitor.id),
            origins=[{"name": origin.name, "address": origin.url}],
        )
        for name, origin in (("primary", one), ("replica", two))
    ]
    primary, replica = (str(each.id) for each in pools)
    balancer = api.create(
        zone_id=ZONE,
        name=HOST,
        default_pools=[primary, replica],
        fallback_pool=primary,
        steering_policy="off",
        proxied=True,
    )
    assert balancer.zone_name == "example.com"

    # The isolate that handled the change serves it at once.
    assert served_by(worker) == "one"

    edited = api.pools.edit(primary, account_id=ACCOUNT, enabled=False)
    assert edited.disabled_at is not None
    assert served_by(worker) == "two"
    edited = api.pools.edit(primary, account_id=ACCOUNT, enabled=True)
    assert edited.disabled_at is None
    assert served_by(worker) == "one"

    def places() -> dict[str, Any]:
        # The SDK declares a single data center; the others are extra fields.
        health = api.pools.health.get(primary, account_id=ACCOUNT).pop_health
        return dict(health.model_extra or {}) if health else {}

    def probed() -> dict[str, Any]:
        (place,) = until(places, 30).values()
        assert place["healthy"] is True
        said: dict[str, Any] = place["origins"][0][one.url]
        # Each change clears the fields that only the latest probe can fill.
        return said if said["response_code"] else {}

    said = until(probed, 30)
    assert (said["healthy"], said["failure_reason"]) == (True, "No failures")
    assert said["response_code"] == 200
    assert said["rtt"].endswith("s")

    for delete in (
        lambda: api.monitors.delete(str(monitor.id), account_id=ACCOUNT),
        lambda: api.pools.delete(primary, account_id=ACCOUNT),
    ):
        with pytest.raises(APIStatusError) as refusal:
            delete()
        assert refusal.value.status_code == 412
        assert [error.code for error in refusal.value.errors] == [1005]
    assert served_by(worker) == "one"

    api.delete(str(balancer.id), zone_id=ZONE)
    assert served_by(worker) == "421"
    for identifier in (primary, replica):
        gone = api.pools.delete(identifier, account_id=ACCOUNT)
        assert gone.id == identifier
    api.monitors.delete(str(monitor.id), account_id=ACCOUNT)
    with pytest.raises(NotFoundError):
        api.monitors.get(str(monitor.id), account_id=ACCOUNT)
    assert list(api.pools.list(account_id=ACCOUNT)) == [
        each for each in api.pools.list(account_id=ACCOUNT) if each.name == "of-the-file"
    ]


def test_a_preview_tries_a_monitor_out(
    worker: Worker, client: Cloudflare, trio: tuple[Origin, ...]
) -> None:
    """A preview returns at once, and its probe results follow."""
    api = client.load_balancers
    made = api.pools.create(
        account_id=ACCOUNT,
        name="tried",
        origins=[
            {"name": "up", "address": trio[0].url},
            {"name": "nowhere", "address": "http://127.0.0.1:9"},
            {"name": "out-of-reach", "address": "192.0.2.1"},
        ],
    )
    identifier = str(made.id)
    asked = api.pools.health.create(identifier, account_id=ACCOUNT, type="http", path="/health")
    assert asked.pools == {identifier: "tried"}
    preview = str(asked.preview_id)

    def result() -> dict[str, dict[str, object]]:
        found = api.previews.get(preview, account_id=ACCOUNT)
        listed = found[identifier].origins or []
        return {name: said.model_dump() for origin in listed for name, said in origin.items()}

    seen = until(result, 30)
    assert set(seen) == {trio[0].url, "http://127.0.0.1:9"}
    assert seen[trio[0].url]["healthy"] is True
    assert seen[trio[0].url]["response_code"] == 200
    assert seen["http://127.0.0.1:9"]["healthy"] is False
    assert seen["http://127.0.0.1:9"]["failure_reason"] == "TCP connection failed"
    api.pools.delete(identifier, account_id=ACCOUNT)


def test_search_and_regions_are_read_by_the_sdk(client: Cloudflare) -> None:
    """The SDK reads search results to the end of their pages, and regions."""
    found = [each.model_dump() for each in client.load_balancers.searches.list(account_id=ACCOUNT)]
    regions = client.load_balancers.regions.list(account_id=ACCOUNT, country_code_a2="DE")

    assert {each["resource_name"] for each in found} == {
        *("of-the-file", "file.example.com", "more.example.com"),
    }
    assert isinstance(regions, dict)
    assert [each["region_code"] for each in regions["regions"]] == ["WEU"]


def test_objects_of_the_file_are_read_only(client: Cloudflare) -> None:
    """Objects of the configuration file are listed and refuse changes, naming `evenkeel adopt`."""
    (found,) = client.load_balancers.pools.list(account_id="another")

    with pytest.raises(APIStatusError, match="evenkeel adopt") as refusal:
        client.load_balancers.pools.edit(str(found.id), account_id=ACCOUNT, enabled=False)
    assert refusal.value.status_code == 403


def test_problems_reach_the_sdk_with_their_places(client: Cloudflare) -> None:
    """All problems of a request arrive at once with their JSON pointers."""
    with pytest.raises(BadRequestError) as refusal:
        client.load_balancers.pools.create(
            account_id=ACCOUNT, name="x y", origins=[{"address": "a b", "weight": 2}]
        )

    pointers = {
        error["source"]["pointer"]
        for error in refusal.value.response.json()["errors"]
        if error["code"] == 1002
    }
    assert pointers == {"/name", "/origins/0/address", "/origins/0/weight"}


def test_no_body_brings_the_balancer_down(worker: Worker) -> None:
    """Any body is accepted or refused without a 5xx, and the balancer keeps serving."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    with httpx.Client(
        base_url=f"{worker.url}/_lb/client/v4",
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
        timeout=60,
    ) as web:
        for method, path, body in bad_bodies(random.Random(seed), BAD_BODIES):
            said = web.request(method, path, content=body.encode())
            assert said.status_code < 500, (method, path, body, said.text)
            assert said.json()["success"] is (said.status_code < 400)
        for one in web.get(f"/zones/{ZONE}/load_balancers").json()["result"]:
            if one["name"] != "file.example.com":
                web.delete(f"/zones/{ZONE}/load_balancers/{one['id']}")

    assert (
        httpx.get(
            worker.url, headers={"Host": "file.example.com"}, trust_env=False, timeout=30
        ).headers["x-served-by"]
        == "three"
    )
