"""Runs the tests of Cloudflare's SDK against a balancer that keeps state.

The tests were written for a stateless mock, where every id exists and no name is taken. So the
objects that they refer to are created first, under their own ids, and the balancer is reset to
these objects before each test. tests/runtime/test_sdk.py runs this and sets the variables.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cloudflare import AsyncCloudflare, Cloudflare

ADMIN = os.environ["EVENKEEL_ADMIN"]
TOKEN = os.environ["EVENKEEL_TOKEN"]
ACCOUNT = "/accounts/023e105f4ecef8ad9ca31a8372d0c353/load_balancers"
POOLS = (
    *("17b5962d775c646f3f9725cbc7a53df4", "9290f38c5d07c2e2f4df57b1f61d4196", "fallback_pool"),
    *("00920f38ce07c2e2f4df50b1f61d4194", "abd90f38ced07c2e2f4df50b1f61d4194"),
    *("de90f38ced07c2e2f4df50b1f61d4194", "f9138c5d07c2e2f4df57b1f61d4196"),
)
MONITORS = ("f1aba936b94213e5b8dca0c0dbf1f9cc", "monitor", "monitor_id")
GROUPS = ("17b5962d775c646f3f9725cbc7a53df4", "monitor_group")
BALANCER = "699d98642c564d2e855e9661899b7252"
PREVIEW = "p1aba936b94213e5b8dca0c0dbf1f9cc"
VERBS = ("create", "update", "edit", "delete")
"""Words in the names of tests that change something."""
KEYS = frozenset({"monitor", "monitor_group", "monitor_id", "fallback_pool"})
"""Keys that also occur as example ids."""

PRISM = ("HTTP 422 error from prism", "422 Unprocessable Entity", "investigate broken test")
"""The SDK's reasons for skipping a test that blame its mock: here these tests run."""
NO_TRANSPORT = "needs httpx_aiohttp, another transport of the SDK: httpx is what is tested"
NO_SUCH_ERROR = "expects an error of the SDK itself that its code does not raise"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that no server can pass, and run those that only the mock cannot."""
    for item in items:
        item.own_markers = [
            mark
            for mark in item.own_markers
            if mark.name != "skip"
            or not any(part in str(mark.kwargs.get("reason")) for part in PRISM)
        ]
        if "aiohttp" in item.name:
            item.add_marker(pytest.mark.skip(reason=NO_TRANSPORT))
        if item.path.name == "test_load_balancers.py" and "path_params" in item.name:
            item.add_marker(pytest.mark.skip(reason=NO_SUCH_ERROR))


class Ids:
    """The example ids and their real ids."""

    def __init__(self) -> None:
        self.by_place: dict[str, dict[str, str]] = {}

    def url(self, url: httpx.URL) -> httpx.URL:
        """Return an address with the real ids in its path."""
        before, _, below = url.path.partition("/load_balancers")
        steps = below.split("/")
        kind = steps[1] if len(steps) > 2 else ""
        known = self.by_place.get(kind, {})
        path = before + "/load_balancers" + "/".join(known.get(step, step) for step in steps)
        return url.copy_with(path=path) if below else url

    def body(self, value: Any) -> Any:
        """Return a body with the real ids; the words among its keys stay."""
        known = {
            one: new
            for kind in ("monitor_groups", "monitors", "pools")
            for one, new in self.by_place[kind].items()
        }
        if isinstance(value, dict):
            return {
                key if key in KEYS else known.get(key, key): self.body(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.body(inner) for inner in value]
        return known.get(value, value) if isinstance(value, str) else value

    def renamed(self, request: httpx.Request) -> None:
        """Replace the ids in a request before it is sent."""
        request.url = self.url(request.url)
        if request.content:
            content = json.dumps(self.body(json.loads(request.content))).encode()
            request.stream = httpx.ByteStream(content)
            request._content = content
            request.headers["Content-Length"] = str(len(content))


def web() -> httpx.Client:
    """A client of the admin side."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.Client(base_url=ADMIN, headers=headers, trust_env=False, timeout=60)


@pytest.fixture(scope="session")
def ids() -> Ids:
    """The ids of the objects that the tests refer to, created once."""
    found = Ids()
    with web() as client:

        def made(path: str, **body: Any) -> str:
            said = client.post(f"/client/v4{path}", json=body)
            assert said.status_code == 200, said.text
            return str(said.json()["result"]["preview_id" if "preview" in path else "id"])

        monitors = {one: made(f"{ACCOUNT}/monitors") for one in MONITORS}
        member = {"monitor_id": monitors["monitor_id"], "enabled": True}
        member |= {"monitoring_only": False, "must_be_healthy": True}
        groups = {
            one: made(f"{ACCOUNT}/monitor_groups", description=one, members=[member])
            for one in GROUPS
        }
        pools = {
            one: made(
                f"{ACCOUNT}/pools",
                name=f"seed-{one}",
                origins=[{"name": "o", "address": f"{number}.example.com"}],
            )
            for number, one in enumerate(POOLS)
        }
        spare = made(
            f"{ACCOUNT}/pools",
            name="spare",
            origins=[{"name": "o", "address": "spare.example.com"}],
        )
        balancer = made(
            "/accounts/account_id/load_balancers",
            name="seed.example.com",
            default_pools=[spare],
            fallback_pool=spare,
        )
        preview = made(f"{ACCOUNT}/pools/{spare}/preview", type="https")
    found.by_place = {
        "": {BALANCER: balancer},
        "monitors": monitors,
        "monitor_groups": {**groups, MONITORS[0]: groups[GROUPS[0]]},
        "pools": pools,
        "preview": {PREVIEW: preview},
    }
    return found


@pytest.fixture(scope="session")
def seeded(ids: Ids) -> list[int]:
    """The version that has exactly these objects."""
    del ids
    with web() as client:
        return [int(client.get("/versions").json()["result"][0]["version"])]


@pytest.fixture(autouse=True)
def as_seeded(request: pytest.FixtureRequest, seeded: list[int]) -> Iterator[None]:
    """Roll back to that version after a test that may have changed something."""
    yield
    if any(verb in request.node.name for verb in VERBS):
        with web() as client:
            said = client.post(f"/versions/{seeded[0]}/rollback")
            assert said.status_code == 200, said.text
            seeded[0] = said.json()["result"]["version"]


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, ids: Ids) -> Iterator[Cloudflare]:
    """The replacement of the SDK's fixture."""
    transport = httpx.Client(trust_env=False, timeout=60, event_hooks={"request": [ids.renamed]})
    with Cloudflare(
        base_url=f"{ADMIN}/client/v4",
        api_token=TOKEN,
        http_client=transport,
        _strict_response_validation=bool(getattr(request, "param", True)),
    ) as made:
        yield made


@pytest.fixture(scope="session")
def async_client(request: pytest.FixtureRequest, ids: Ids) -> Iterator[AsyncCloudflare]:
    """The replacement of the SDK's asynchronous fixture."""

    async def renamed(outgoing: httpx.Request) -> None:
        ids.renamed(outgoing)

    transport = httpx.AsyncClient(trust_env=False, timeout=60, event_hooks={"request": [renamed]})
    made = AsyncCloudflare(
        base_url=f"{ADMIN}/client/v4",
        api_token=TOKEN,
        http_client=transport,
        _strict_response_validation=bool(getattr(request, "param", True)),
    )
    yield made
    RUNNER.run(made.close())


RUNNER = asyncio.Runner()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run all asynchronous tests in one loop because they share a client."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    RUNNER.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
