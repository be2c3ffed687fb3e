"""Whatever is sent to Cloudflare's API is carried out or refused: no exception, no 5xx."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from lb.config import Invalid
from support.api_bodies import ACCOUNT, bad_bodies
from support.hostile import text
from support.office import Office

BODIES_AT_ONCE = 25
"""Sent to one balancer, which keeps what it accepts of them: with 400 examples, 10,000."""


def told(office: Office, method: str, path: str, body: str) -> tuple[int, dict[str, Any]]:
    """Send a body; return the status and the envelope, which fits it."""
    said = office.call(method, f"/client/v4{path}", body)
    envelope: dict[str, Any] = json.loads(said.body)
    assert said.status < 500, (method, path, body, said.body)
    assert envelope["success"] is (said.status < 400)
    assert (envelope["result"] is None) is (said.status >= 400)
    assert bool(envelope["errors"]) is (said.status >= 400)
    for each in (*envelope["errors"], *envelope["messages"]):
        assert each["code"] >= 1000
        assert each["message"]
        assert each.get("source", {}).get("pointer", "/").startswith("/")
    return said.status, envelope


@settings(max_examples=400, deadline=None)
@given(seed=some.integers(0, 1 << 32))
def test_any_body_is_carried_out_or_refused(seed: int) -> None:
    """And what is accepted can be read, stored, served and taken away again."""
    office = Office(file="")
    office.call("POST", "/client/v4/accounts/a/load_balancers/pools", PRIMARY)
    accepted = []
    for method, path, body in bad_bodies(random.Random(seed), BODIES_AT_ONCE):
        status, envelope = told(office, method, path, body)
        if status == 200 and method == "POST":
            accepted.append((path, envelope["result"]))
    assert not isinstance(office.evicted().effective.config, Invalid | None)
    for path, made in reversed(accepted):
        _, read = told(office, "GET", f"{path}/{made['id']}", "")
        status, again = told(office, "PUT", f"{path}/{made['id']}", json.dumps(read["result"]))
        assert (status, again["result"]) == (200, read["result"])
        assert told(office, "DELETE", f"{path}/{made['id']}", "")[0] in {200, 412}


PRIMARY = {"name": "primary", "origins": [{"name": "o", "address": "o.example.com"}]}


@given(path=text, query=text, method=some.sampled_from(["GET", "PUT", "DELETE", "X", ""]))
def test_any_path_is_answered(path: str, query: str, method: str) -> None:
    """Below the accounts, and above them."""
    office = Office()
    for each in (f"/{path}", f"{ACCOUNT}/{path}", f"{ACCOUNT}/search"):
        told(office, method, f"{each.replace('?', '')}?{query}", "")
