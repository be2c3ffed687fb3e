"""A Worker with an invalid configuration refuses all requests and reports problems in its log."""

from __future__ import annotations

import pytest

from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import workerd

BAD_FILE = """\
[[pools]]
name = "hush-pool"
origins = [{ name = "a", address = "hush.example.com", wieght = 1 }]

[[load_balancers]]
name = "*"
default_pools = ["hush-missing"]
fallback_pool = "hush-pool"
steering_policy = "hush-policy"
"""
FINE = pool("p", {"name": "a", "address": "a.example.com"}) + load_balancer("*", "p")


@pytest.mark.parametrize(
    ("config", "variables", "paths"),
    [
        (
            BAD_FILE,
            {},
            [
                "$.pools[0].origins[0].wieght",
                "$.load_balancers[0].default_pools[0]",
                "$.load_balancers[0].steering_policy",
            ],
        ),
        ("[[pools]\nname = 'hush'", {}, ["line 1"]),
        ("", {}, [""]),
        (FINE, {"ORIGINS": "hush://a"}, ["ORIGINS"]),
        (FINE, {"ORIGINS": "a.example.com", "MAX_RETRIES": "hush"}, ["MAX_RETRIES"]),
        (FINE, {"BACKEND_A": "10.0.0.1", "SESSION_COOKIE_TTL": "-1"}, ["BACKEND_A", "TTL"]),
    ],
    ids=["file", "no toml", "empty", "ORIGINS", "MAX_RETRIES", "BACKEND"],
)
def test_every_request_gets_the_page(
    config: str, variables: dict[str, str], paths: list[str]
) -> None:
    """Every request gets a 500 page without values, and each problem is logged once."""
    with workerd(config, variables) as worker:
        answers = [worker.get("/"), worker.send("POST", "/a", body=b"x"), worker.get("/", host="b")]
        until(lambda: len(worker.log) >= len(paths))
        messages = [line["message"] for line in worker.events("error")]

    for answer in answers:
        assert answer.status == 500
        assert "evenkeel check" in answer.text
        assert "hush" not in answer.text
        assert "10.0.0.1" not in answer.text
        assert answer.header("cache-control") == "no-store"
    assert len(messages) == len(paths)
    for path in paths:
        assert [message for message in messages if path in message]
