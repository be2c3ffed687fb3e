"""Notifications on workerd: a Durable Object, an origin that fails, and a real sink."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenkeel.dev import checkout
from support.answers import reply
from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool, table
from support.waiting import until
from support.worker import Worker, running_worker

SECRET = "hush-0123456789"


def configuration(one: Origin, two: Origin, *notifications: dict[str, Any]) -> str:
    """Active-passive, probed every second."""
    return "\n".join(
        [
            monitor("m"),
            pool("first", one, monitor="m"),
            pool("second", two, monitor="m"),
            load_balancer("service.example.com", "first", "second"),
            *(table("notifications", {"notify_after": 1, **one}) for one in notifications),
        ]
    )


def hook(sink: Origin, **fields: Any) -> dict[str, Any]:
    """A notification to a webhook, with a secret."""
    return {"name": "ops", "type": "webhook", "url": f"{sink.url}/hook", "secret": "HOOK", **fields}


def told(sink: Origin) -> list[dict[str, Any]]:
    """The messages that a sink received."""
    return [json.loads(request.body) for request in sink.requests if request.body]


def ends(sink: Origin) -> list[str]:
    """The suffixes of the received events: START or END."""
    return [one["alert_event"].rpartition("_")[2] for one in told(sink)]


@pytest.fixture
def three() -> Iterator[tuple[Origin, Origin, Origin]]:
    """Two origins and a sink."""
    with origins(3) as (one, two, sink):
        yield one, two, sink


@contextmanager
def serving(folder: Path, text: str, *options: str) -> Iterator[Worker]:
    """Serve a configuration; one request starts the probing object."""
    state = f"--state={folder / 'state'}"
    with running_worker(text, {"HOOK": SECRET}, options=(state, *options)) as worker:
        httpx.get(worker.url, trust_env=False, timeout=30)
        yield worker


def test_an_incident_is_told_once_and_so_is_its_end(
    tmp_path: Path, three: tuple[Origin, Origin, Origin]
) -> None:
    """An incident sends one start and one end, and the secret appears in no log or store."""
    one, two, sink = three
    with serving(tmp_path, configuration(one, two, hook(sink))) as worker:
        until(lambda: len(one.probes) >= 2)
        assert sink.requests == []

        one.stop()
        until(lambda: sink.requests)
        started = len(two.probes)
        until(lambda: len(two.probes) >= started + 3)
        (start,) = told(sink)
        assert start["alert_event"] == "ALERT_STATE_EVENT_START"
        assert start["text"].splitlines()[0] == "Pool first is down"
        assert "TCP connection failed" in start["text"]
        assert start["text"].endswith(
            "service.example.com: requests are served by pool second (two)."
        )
        assert sink.requests[0].header("cf-webhook-auth") == SECRET

        one.start()
        until(lambda: len(sink.requests) == 2)
        started = len(two.probes)
        until(lambda: len(two.probes) >= started + 3)
        assert ends(sink) == ["START", "END"]
        assert told(sink)[1]["alert_correlation_id"] == start["alert_correlation_id"]
        assert SECRET not in worker.text()
    assert events(tmp_path / "state") == [
        ("first", True, True),
        ("second", True, True),
        ("first", False, False),
        ("first", True, True),
    ]


def events(state: Path) -> list[tuple[str, bool, bool]]:
    """The pools of the stored events, and whether they and their first origin were healthy."""
    for file in state.glob("v3/do/evenkeel-State/*.sqlite"):
        assert SECRET.encode() not in file.read_bytes()
        with sqlite3.connect(file) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchall():
                continue
            rows = [
                json.loads(text)
                for (text,) in database.execute("SELECT event FROM events ORDER BY id")
            ]
            found = [
                (row["pool"]["name"], row["pool"]["healthy"], row["origins"][0]["healthy"])
                for row in rows
            ]
            return sorted(found[:2]) + found[2:]
    raise AssertionError(f"nothing is stored in {state}")


def test_a_sink_that_is_down_is_told_later_and_disturbs_no_probe(
    tmp_path: Path, three: tuple[Origin, Origin, Origin]
) -> None:
    """A failed notification is retried while other notifications and probes go on."""
    one, two, sink = three
    other = {"name": "chat", "type": "slack", "secret": "MISSING"}
    sink.behave(reply(500), path="/hook")
    text = configuration(one, two, hook(sink), hook(sink, name="fine", url=f"{sink.url}/b"), other)
    with serving(tmp_path, text) as worker:
        until(lambda: len(one.probes) >= 2)
        one.stop()
        until(lambda: {"/hook", "/b"} <= {request.path for request in sink.requests})
        sink.behave(reply(204), path="/hook")
        started = len(two.probes)
        until(lambda: len([one for one in sink.requests if one.path == "/hook"]) == 2, 30)

        assert len(two.probes) >= started + 3
        assert len([one for one in sink.requests if one.path == "/b"]) == 1
        log = worker.text()
        assert "notification ops: not delivered (status 500); it is tried for a day" in log
        assert "notification chat is not sent: there is no secret MISSING" in log
        assert SECRET not in log


def test_an_e_mail_goes_through_its_binding(
    tmp_path: Path, three: tuple[Origin, Origin, Origin]
) -> None:
    """An email notification is a complete message for the email binding."""
    one, two, _ = three
    file = tmp_path / "wrangler.toml"
    extra = '[[send_email]]\nname = "LB_EMAIL"\n'
    file.write_text(f"{checkout.WRANGLER_CONFIG.read_text()}\n{extra}")
    mail = {"name": "m", "type": "email", "to": "ops@example.com", "sender": "lb@example.com"}
    with serving(tmp_path, configuration(one, two, mail), f"--wrangler={file}") as worker:
        until(lambda: len(one.probes) >= 2)
        one.stop()
        line = worker.wait_for_text(".eml", 20)
        found = Path(line[line.index("/") :].strip()).read_text()
        parsed = message_from_string(found, policy=policy.default)
        assert parsed["Subject"] == "Pool first is down"
        assert "not delivered" not in worker.text()
