"""Secrets of the Worker in the headers of requests and probes, on the runtime."""

from __future__ import annotations

import json
from typing import Any

from support.origins import Origin
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd

TOKEN = "an-admin-token-of-forty-characters-12345"
VALUE = "hush-0123456789"
VARIABLES = {"LB_ADMIN_TOKEN": TOKEN, "ACCESS_ID": "id.access\n", "ACCESS_SECRET": VALUE}
STATE = True
AUTH = ("Authorization", f"Bearer {TOKEN}")
HOST = "service.test"
GONE = "there is no secret GONE"
ID = {"secret": "ACCESS_ID"}
SECRET = {"secret": "ACCESS_SECRET"}


def configuration(one: Origin, two: Origin) -> str:
    """Both origins get a token; a second monitor and a header lack their secret."""
    token = {"CF-Access-Client-Id": ID, "CF-Access-Client-Secret": SECRET}
    probed = {name: [value] for name, value in token.items()}
    return "\n".join(
        [
            monitor("good", header={**probed, "X-Two": ["plain", SECRET]}),
            monitor("lost", header={"X-Key": [{"secret": "GONE"}]}),
            pool("a", at(one), monitor="good"),
            pool("b", at(two), monitor="lost"),
            load_balancer(
                HOST, "a", request_headers={"set": {**token, "X-Key": {"secret": "GONE"}}}
            ),
            load_balancer("other.test", "b"),
        ]
    )


def status(worker: Workerd) -> Any:
    """The status document."""
    return json.loads(worker.get("/_lb/status", AUTH, host=HOST).text)["result"]


def origin(worker: Workerd, pool: str) -> Any:
    """The first origin of a pool in the status document."""
    return next(each for each in status(worker)["pools"] if each["name"] == pool)["origins"][0]


def test_an_origin_gets_the_token_and_no_empty_header(worker: Workerd, one: Origin) -> None:
    """A missing secret leaves its header out, a client's own as well, and the request goes on."""
    forged = [("CF-Access-Client-Id", "mine"), ("X-Key", "mine")]

    assert worker.get("/", *forged, host=HOST).status == 200

    (request,) = one.requests
    assert request.header("cf-access-client-id") == "id.access"
    assert request.header("cf-access-client-secret") == VALUE
    assert request.header("x-key") is None


def test_a_probe_has_the_token(worker: Workerd, one: Origin) -> None:
    """Probes of the Durable Object carry what requests carry."""
    until(lambda: one.probes)

    assert one.probes[0].header("cf-access-client-id") == "id.access"
    assert one.probes[0].header("cf-access-client-secret") == VALUE
    assert one.probes[0].header("x-two") == f"plain, {VALUE}"
    until(lambda: origin(worker, "a")["health"] == "healthy")


def test_a_monitor_without_its_secret_fails_and_says_so(worker: Workerd, two: Origin) -> None:
    """Nothing is sent, and the status has the cause in words."""
    until(lambda: origin(worker, "b")["cause"])

    assert origin(worker, "b")["cause"] == f"Monitor Config Error: {GONE}"
    assert two.probes == []


def test_the_message_is_one(lasting_site: Any) -> None:
    """The log has one line for the missing secret, and the status one warning."""
    worker = lasting_site.worker
    worker.get("/", host=HOST)
    worker.forgotten = 0

    lines = [line["message"] for line in worker.log if GONE in line.get("message", "")]
    warnings = [each["message"] for each in status(worker)["warnings"]]

    assert lines == warnings
    assert lines == [
        (
            f"{GONE}: load balancer {HOST} sends no X-Key; monitor lost fails; "
            "store it with `evenkeel wrangler secret put GONE`"
        )
    ]


def test_the_api_knows_names_alone(worker: Workerd) -> None:
    """An object that is made in the API works with the secret, and comes back with its name."""
    path = "/_lb/client/v4/accounts/a/load_balancers/monitors"
    body = json.dumps({"header": {"X-Key": [SECRET, {"secret": "GONE"}]}})
    made = worker.send("POST", path, AUTH, body=body.encode(), host=HOST)

    assert made.status == 200, made.text
    assert json.loads(made.text)["result"]["header"] == json.loads(body)["header"]
    assert [each["message"] for each in json.loads(made.text)["messages"]] == [
        f"header.X-Key: {GONE}; store it with `evenkeel wrangler secret put GONE`"
    ]
    for what in ("status", "export", "export?format=toml", "versions", "metrics"):
        assert VALUE not in worker.get(f"/_lb/{what}", AUTH, host=HOST).text


def test_nothing_is_logged_of_a_secret(lasting_site: Any) -> None:
    """After all of this, the output has no value of a secret."""
    worker = lasting_site.worker
    worker.get("/", host=HOST)
    worker.forgotten = 0
    assert VALUE not in "\n".join(worker.output)
