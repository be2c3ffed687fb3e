"""The driver of notifications: what is sent when, and what is logged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from lb.health.events import changes
from lb.log_events import Event, Notice, Trouble
from lb.model import Config
from lb.notify.message import OutboundRequest
from lb.notify.run import ROUNDS, Notifier
from lb.notify.secrets import Ready
from support.telling import config, notification, status

SECRET = "hush-hush"


class Sinks:
    """A Deliverer with scripted answers; the last one repeats."""

    def __init__(self, *answers: int | Exception | None) -> None:
        self.answers = list(answers)
        self.requests: list[OutboundRequest] = []

    async def send(self, request: OutboundRequest) -> int | None:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def events(self) -> list[str]:
        return [json.loads(one.body)["alert_event"].rpartition("_")[2] for one in self.requests]


class Site:
    """A notifier with a clock of its own."""

    def __init__(self, sinks: Sinks, of: Config | None = None, stored: str = "") -> None:
        self.now = 0.0
        self.sinks = sinks
        self.log: list[Event] = []
        self.config = of or config(notification(secret="HOOK"))
        active = self.config.notifications
        ready = Ready(active=active, secrets={one.name: SECRET for one in active}, problems=())
        self.notifier = Notifier(
            self.config,
            ready,
            stored,
            deliverer=sinks,
            clock=lambda: self.now,
            chance=lambda: 1.0,
            log=self.log.append,
        )
        self.status = status(self.config, "??? ?")

    def waits_until(self) -> float | None:
        """Return when the notifier has work."""
        return self.notifier.next_at

    def at(self, now: float, marks: str = "") -> Sequence[str]:
        """Set time and health; return the events that sinks have received so far."""
        self.now = now
        if marks:
            after = status(self.config, marks)
            for event in changes(self.status, after, now):
                self.notifier.note(event)
            self.status = after
        asyncio.run(self.notifier.tell())
        return self.sinks.events


def test_the_start_and_the_end_of_an_incident_are_sent() -> None:
    """Each is sent once, after notify_after, with the secret in the request."""
    site = Site(Sinks(204))
    assert site.at(0, "+++ +") == []
    assert site.at(10, "-++ +") == []
    assert site.waits_until() == 70
    assert site.at(70) == ["START"]
    assert site.at(100, "+++ +") == ["START"]
    assert site.at(160) == ["START", "END"]
    assert site.waits_until() is None
    assert ("cf-webhook-auth", SECRET) in site.sinks.requests[0].headers
    assert site.log == []


def test_a_message_to_a_failing_sink_is_retried() -> None:
    """The first failure is logged, and retries follow the outbox."""
    site = Site(Sinks(None, 503, 200))
    site.at(0, "+++ +")
    site.at(10, "-++ +")
    site.at(70)
    assert site.waits_until() == 80
    site.at(79)
    assert len(site.sinks.requests) == 1
    site.at(80)
    assert site.waits_until() == 100
    site.at(100)
    assert site.waits_until() is None
    assert site.log == [
        Notice(message="notification ops: not delivered (no answer); it is tried for a day")
    ]


def test_a_redirect_is_no_delivery() -> None:
    """A redirect counts as a failed delivery."""
    site = Site(Sinks(302, 200))
    site.at(0, "-++ +")
    site.at(60)
    assert site.waits_until() == 70


def test_a_fault_is_logged_without_its_message() -> None:
    """The message of an exception may contain the request, and so the secret."""
    site = Site(Sinks(ValueError(SECRET), 200))
    site.at(0, "-++ +")
    site.at(60)
    assert site.log[0] == Trouble(message="notification ops: ValueError")
    assert SECRET not in repr(site.log)
    assert site.at(70) == ["START", "START"]


def test_a_sink_that_hangs_does_not_delay_the_others() -> None:
    """Deliveries to different sinks run concurrently."""
    site = Site(Sinks(None, 200), config(notification("one"), notification("two")))
    site.at(0, "-++ +")
    site.at(60)
    waiting = [name for name, sink in site.notifier._outbox.state.sinks.items() if sink.waiting]
    assert waiting == ["one"]


def test_the_messages_of_one_alarm_are_bounded() -> None:
    """The rest follows with the next alarm, which is due at once."""
    site = Site(Sinks(None, 200), config(notification(notify_after=0)))
    site.at(0, "+++ +")
    site.at(1, "-++ +")
    for now in range(2, 8):
        site.at(now, "+++ +" if now % 2 == 0 else "-++ +")
    assert site.sinks.events == ["START"]
    site.at(11)
    assert len(site.sinks.requests) == 1 + ROUNDS
    assert site.waits_until() == 0.0


def test_pending_messages_survive_an_eviction() -> None:
    """Another notifier continues from the stored text, which contains no secret."""
    site = Site(Sinks(200))
    site.at(0, "+++ +")
    site.at(10, "-++ +")
    text = site.notifier.to_json()
    assert SECRET not in text

    again = Site(Sinks(200), stored=text)
    assert again.waits_until() == 70
    assert again.at(70) == ["START"]
    later = Site(Sinks(200), stored=again.notifier.to_json())
    assert later.at(80) == []
    later.status = status(later.config, "-++ +")
    later.at(90, "+++ +")
    assert later.at(150) == ["END"]
