"""Makes this version of the Worker store all kinds of state, for later versions to read.

    PYTHONPATH=tests .venv/bin/python -m support.storing tests/data/state_X_Y

It uses only the Worker's HTTP interface; support/stored.py reads what it writes.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from support.answers import reply
from support.operator import ACCOUNT, ZONE, Operator
from support.origins import Origin, origins
from support.stored import DATABASES, OBJECT
from support.toml import at, load_balancer, monitor, pool, table
from support.waiting import until
from support.worker import running_worker, settings

SECRETS = {
    "LB_ADMIN_TOKEN": "an-admin-token-for-tests-0123456789_abcdef",
    "LB_READ_TOKEN": "a-reading-token-for-tests-0123456789_abcde",
    "LB_COOKIE_KEY": "a-key-of-the-tests",
}
VARIABLES = {"HOOK": "a-secret-of-the-sink"}
SITE, API = "service.example.com", "api.example.com"
PATIENCE = 60.0


def configuration(one: Origin, two: Origin, three: Origin, sink: Origin) -> str:
    """A file with a spare origin and a disabled pool, and two notifications."""
    hooks = ({"name": name, "url": f"{sink.url}/{name}"} for name in ("ops", "chat"))
    kept = {"session_affinity": "cookie", "ejection": {"base_time": 1}}
    also = {"type": "webhook", "secret": "HOOK", "notify_after": 1}
    return "\n".join(
        [
            "state = { refresh = 1 }",
            monitor("web", consecutive_down=2, consecutive_up=3),
            pool("primary", one, two, at(three, name="spare"), monitor="web"),
            pool("sessions", one, three, monitor="web"),
            pool("parked", three, monitor="web", enabled=False),
            load_balancer(SITE, "sessions", "primary", "parked", **kept),
            *(table("notifications", {**each, **also}) for each in hooks),
        ]
    )


def make(operator: Operator, three: Origin) -> dict[str, str]:
    """Create an object of every kind; return all ids."""
    quick = {"type": "http", "interval": 5, "timeout": 1, "retries": 0}
    ids = {
        name: operator.call("POST", f"{ACCOUNT}/monitors", {**quick, "path": path})["id"]
        for name, path in (("shallow", "/health"), ("deep", "/deep"))
    }
    members = [
        {
            "monitor_id": ids[name],
            "enabled": True,
            "must_be_healthy": decides,
            "monitoring_only": not decides,
        }
        for name, decides in (("shallow", True), ("deep", False))
    ]
    group = {"description": "both", "members": members}
    ids["both"] = operator.call("POST", f"{ACCOUNT}/monitor_groups", group)["id"]
    replica = {"name": "replica", "origins": [at(three)], "check_regions": ["WEU"]}
    replica["monitor_group"] = ids["both"]
    operator.call("POST", f"{ACCOUNT}/pools", replica)
    ids |= {each["name"]: each["id"] for each in operator.call("GET", f"{ACCOUNT}/pools")}
    api = {"name": API, "default_pools": [ids["replica"], ids["sessions"]]}
    api |= {"fallback_pool": ids["sessions"], "session_affinity": "cookie"}
    api |= {"steering_policy": "dynamic_latency"}
    ids[API] = operator.call("POST", ZONE, api)["id"]
    return ids


def change(operator: Operator, ids: Mapping[str, str]) -> None:
    """Adopt, drain, edit, delete, roll back and weigh, so that there is a version of each."""
    operator.call("POST", "/adopt")
    operator.call("POST", "/actions", {"pool": "primary", "origin": "spare", "action": "drain"})
    operator.call("PATCH", f"{ZONE}/{ids[API]}", {"session_affinity_ttl": 7200})
    short = {"name": "short-lived", "origins": [{"name": "o", "address": "o.example.com"}]}
    made = operator.call("POST", f"{ACCOUNT}/pools", short)
    operator.call("DELETE", f"{ACCOUNT}/pools/{made['id']}")
    before = operator.call("GET", "/versions")[1]["version"]
    operator.call("POST", f"/versions/{before}/rollback")
    weight = {"pool": "sessions", "origin": "three", "action": "weight", "weight": 0}
    operator.call("POST", "/actions", weight)


def previewed(operator: Operator, identifier: str) -> str:
    """Preview a monitor on a pool; return the preview's id when its result is available."""
    tried = {"type": "http", "path": "/health", "expected_codes": "200"}
    asked = operator.call("POST", f"{ACCOUNT}/pools/{identifier}/preview", tried)
    path = f"{ACCOUNT}/preview/{asked['preview_id']}"
    until(lambda: operator.call("GET", path)[identifier]["origins"], PATIENCE)
    return str(asked["preview_id"])


def pinned(operator: Operator, origin: str) -> str:
    """Return a cookie that pins a client to an origin."""
    for _ in range(200):
        said = operator.get(SITE)
        if said.text == origin:
            return str(said.headers["set-cookie"].partition(";")[0])
    raise AssertionError(f"{origin} was never chosen")


def counted(operator: Operator, requests: int) -> bool:
    """Whether the stored count includes all requests; if not, send one more to trigger storing."""
    text = operator.text("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("evenkeel_requests_total{")]
    if sum(float(line.split()[-1]) for line in lines) >= requests:
        return True
    operator.get(API)
    return False


def live(operator: Operator, four: tuple[Origin, ...]) -> dict[str, Any]:
    """Bring about all kinds of stored state; return what a test needs to know about it."""
    one, two, three, sink = four
    sink.behave(reply(500), path="/ops")
    three.behave(reply(500), path="/deep")
    operator.get(SITE)
    until(lambda: operator.health("primary/two") == "healthy", PATIENCE)
    two.fail_health()
    until(lambda: operator.health("primary/two") == "unhealthy", PATIENCE)
    ids, cookie = make(operator, three), pinned(operator, "three")
    # The origin fails a request and then its probes, and recovers.
    three.stop()
    operator.get(SITE, cookie)
    until(lambda: operator.health("sessions/three") == "unhealthy", PATIENCE)
    until(lambda: operator.health("replica/three") == "unhealthy", PATIENCE)
    three.start()
    until(lambda: operator.health("sessions/three") == "healthy", PATIENCE)
    until(lambda: operator.health("replica/three") == "healthy", PATIENCE)
    change(operator, ids)
    preview = previewed(operator, ids["primary"])
    ended, lasting = map(operator.begin_session, list(SECRETS.values())[:2])
    operator.end_session(ended)
    until(lambda: operator.get(SITE, cookie).text == "three", PATIENCE)
    until(lambda: any(each.path == "/chat" for each in sink.requests), PATIENCE)
    requests = sum(len(each.requests) for each in (one, two)) + len(
        [each for each in three.requests if each.path == "/"]
    )
    until(lambda: counted(operator, requests), PATIENCE)
    return {
        "at": time.time(),
        "secrets": SECRETS,
        "variables": VARIABLES,
        "addresses": {each.name: each.url for each in four},
        "ids": ids,
        "preview": preview,
        "cookie": cookie,
        "ended_session": ended,
        "lasting_session": lasting,
    }


def dumped(file: Path) -> str:
    """Return a database as text, without what only its files have."""
    with closing(sqlite3.connect(file)) as database:
        return "\n".join([*database.iterdump(), ""])


def kept_in_kv(operator: Operator, state: Path) -> list[Path]:
    """Return the content of KV, after one more request whose background work may write to it."""
    operator.get(SITE)
    return list(state.glob("v3/kv/*/blobs/*"))


def main(target: Path) -> None:
    """Write everything to a folder."""
    with tempfile.TemporaryDirectory() as name, origins(4) as four:
        folder, text = Path(name), configuration(*four)
        usual: dict[str, Any] = {"vars": VARIABLES, "env": SECRETS}
        option = f"--state={folder / 'object'}"
        with running_worker(text, options=[option], **usual) as worker:
            operator = Operator(worker, SECRETS["LB_ADMIN_TOKEN"])
            known = live(operator, four)
            (target / "export.toml").write_text(operator.text("/export"))
        stored = folder / "object" / DATABASES
        (target / "loadbalancer.toml").write_text(text)
        (target / "object.sql").write_text(dumped(stored / f"{OBJECT}.sqlite"))
        (target / "alarms.sql").write_text(dumped(stored / "metadata.sqlite"))
        (target / "known.json").write_text(json.dumps(known, indent=2) + "\n")
        binding = table("kv_namespaces", {"binding": "LB_KV", "id": "health"})
        options = [f"--state={folder / 'kv'}", settings(folder, binding)]
        # KV is written rarely, so a failing origin must be down from the first probe on.
        quick = text.replace("consecutive_down = 2", "consecutive_down = 1")
        with running_worker(quick, options=options, **usual) as worker:
            operator = Operator(worker, SECRETS["LB_ADMIN_TOKEN"])
            (blob,) = until(lambda: kept_in_kv(operator, folder / "kv"), PATIENCE)
            (target / "kv.json").write_text(blob.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
