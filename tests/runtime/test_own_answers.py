"""The balancer's own responses: their headers, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from support.answers import hang, reset
from support.origins import Origin
from support.toml import load_balancer, pool
from support.workerd import Workerd

HEADERS = {
    "Access-Control-Allow-Origin": "https://app.example.com",
    "Strict-Transport-Security": "max-age=31536000",
}
FIXED = {"status_code": 418, "message_body": "fixed"}
RULE = {"name": "all", "condition": 'http.request.uri.path eq "/"', "fixed_response": FIXED}
SITES: dict[str, dict[str, Any]] = {
    "down.test": {"failover": {"deadline": 1.0}},
    "page.test": {"maintenance_page": {"message_body": "back soon"}},
    "fixed.test": {"rules": [RULE]},
    "redirect.test": {"https_redirect": True},
}


def configuration(one: Origin, two: Origin) -> str:
    """Each load balancer sets headers on responses."""
    edits = {"response_headers": {"set": HEADERS}}
    pools = [pool("one", one), pool("two", two)]
    return "\n".join(
        [
            *pools,
            *(load_balancer(name, "one", "two", **edits, **more) for name, more in SITES.items()),
        ]
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [("down.test", 503), ("page.test", 503), ("fixed.test", 418), ("redirect.test", 301)],
)
def test_own_responses_have_the_headers_of_all_responses(
    host: str, status: int, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A browser application saw a CORS error in place of a 503 with Retry-After."""
    one.behave(reset())
    two.behave(reset())
    answer = worker.get("/", host=host)

    assert answer.status == status
    for name, value in HEADERS.items():
        assert answer.head.all(name.lower()) == [value]
    assert (answer.header("retry-after") is not None) == (status == 503)


def test_the_page_says_what_happened(worker: Workerd, one: Origin, two: Origin) -> None:
    """The page said that no server could answer a POST which only one was asked."""
    one.behave(hang())
    posted = worker.send("POST", "/", body=b"a", host="down.test")
    assert (posted.status, "not sent to another one" in posted.text) == (503, True)

    one.behave(reset())
    two.behave(reset())
    asked = worker.get("/", host="down.test")
    assert "None of the servers behind this address could answer" in asked.text
