"""Sends bodies to Cloudflare's API on CPython, and checks every response."""

from __future__ import annotations

import json
import random
from typing import Any

from lb.config import Invalid
from support.api_bodies import bad_bodies
from support.office import Office

PRIMARY = {"name": "primary", "origins": [{"name": "o", "address": "o.example.com"}]}


def sent(office: Office, method: str, path: str, body: str) -> tuple[int, dict[str, Any]]:
    """Send a body; return the status and the envelope."""
    answer = office.call(method, f"/client/v4{path}", body)
    envelope: dict[str, Any] = json.loads(answer.body)
    assert answer.status < 500, (method, path, body, answer.body)
    assert envelope["success"] is (answer.status < 400)
    assert (envelope["result"] is None) is (answer.status >= 400)
    assert bool(envelope["errors"]) is (answer.status >= 400)
    for each in (*envelope["errors"], *envelope["messages"]):
        assert each["code"] >= 1000
        assert each["message"]
        assert each.get("source", {}).get("pointer", "/").startswith("/")
    return answer.status, envelope


def hold_for_bodies(seed: int, count: int) -> None:
    """Send bodies to one balancer, which stores what it accepts.

    Every accepted object can be read, stored, served, sent back and deleted.
    """
    office = Office(file="")
    office.call("POST", "/client/v4/accounts/a/load_balancers/pools", PRIMARY)
    accepted = []
    for method, path, body in bad_bodies(random.Random(seed), count):
        status, envelope = sent(office, method, path, body)
        if status == 200 and method == "POST":
            accepted.append((path, envelope["result"]))
    assert not isinstance(office.evicted().effective.config, Invalid | None)
    for path, made in reversed(accepted):
        _, read = sent(office, "GET", f"{path}/{made['id']}", "")
        status, again = sent(office, "PUT", f"{path}/{made['id']}", json.dumps(read["result"]))
        assert (status, again["result"]) == (200, read["result"])
        assert sent(office, "DELETE", f"{path}/{made['id']}", "")[0] in {200, 412}
