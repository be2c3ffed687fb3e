"""Objects of the API whose headers name secrets: what comes back, and what is noted."""

from __future__ import annotations

import json

import pytest

from support.api import A, Api, Z
from support.office import Office

VALUE = "hush-0123456789"
SENT = {"set": {"CF-Access-Client-Id": {"secret": "ACCESS_ID"}, "X-Plain": "1"}}


@pytest.fixture
def api() -> Api:
    """Return a caller of an empty balancer whose Worker has one secret."""
    return Api(Office(file="", secrets={"THERE": VALUE}))


def test_names_come_back_as_they_were_sent(api: Api) -> None:
    """The API knows the names of secrets; it never answers with a value."""
    header = {"X-Key": [{"secret": "THERE"}]}
    monitor = api.monitor(header=header)
    made = api.envelope("GET", f"{A}/monitors/{monitor}")

    assert made["result"]["header"] == header
    assert made["messages"] == []
    assert VALUE not in json.dumps(made)


def test_a_missing_secret_is_noted(api: Api) -> None:
    """The note has its place, and the command that stores the secret."""
    monitor = api.monitor(header={"X-Key": [{"secret": "THERE"}, {"secret": "GONE"}]})
    balancer = api.balancer(api.pool(), request_headers=SENT)

    assert api.notes("GET", f"{A}/monitors/{monitor}") == {
        "/header/X-Key": "header.X-Key: there is no secret GONE; "
        "store it with `evenkeel wrangler secret put GONE`"
    }
    assert api.notes("GET", f"{Z}/{balancer}") == {
        "/request_headers/set/CF-Access-Client-Id": "request_headers.set.CF-Access-Client-Id: "
        "there is no secret ACCESS_ID; store it with `evenkeel wrangler secret put ACCESS_ID`"
    }


def test_a_secret_itself_is_refused_and_not_repeated(api: Api) -> None:
    """Somebody who puts the secret in place of its name does not read it in the answer."""
    body = {"header": {"X-Key": [{"secret": VALUE}]}}
    reply = api.call("POST", f"{A}/monitors", body)
    assert reply.status == 400
    assert "this looks like the secret itself" in reply.body
    assert VALUE not in reply.body
