"""Which messages are due, when, to whom, and their text."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lb.log_events import Notice
from lb.model import AlertFilter, NotificationFilter
from lb.notify.incident import GATHERING_SECONDS, TRANSITIONS, Phase, Signal
from lb.notify.message import MessageKind
from lb.notify.outbox import (
    FIRST_RETRY,
    GIVEN_UP_AFTER,
    LONGEST_RETRY,
    MOST_WAITING,
    Outbox,
    OutboxState,
)
from lb.notify.stored import from_json, to_json
from lb.notify.wording import IS_BAD, Condition
from support.make import scripted
from support.telling import Story, config, notification

WELL = "+++ +"
FIRST, LATER = "2025-11-20 00:53:20 UTC", "2025-11-20 01:53:20 UTC"


def test_the_tables_are_total() -> None:
    """Every phase has a transition for every signal, and every condition an entry."""
    assert {phase: set(row) for phase, row in TRANSITIONS.items()} == {
        phase: set(Signal) for phase in Phase
    }
    assert set(IS_BAD) == set(Condition)


def test_a_state_is_sent_once_it_has_lasted() -> None:
    """Start and end are each sent once, after notify_after."""
    story = Story()
    assert story.titles(0, WELL) == []
    assert story.titles(100, "-++ +") == []
    assert story.waits_until() == 160
    assert story.titles(159.9) == []
    assert story.titles(160) == ["a in pool primary is down"]
    assert story.titles(500) == []
    assert story.waits_until() is None
    assert story.titles(1000, WELL) == []
    assert story.titles(1059) == []
    assert story.titles(1060) == ["a in pool primary is healthy again after 15 minutes"]
    assert story.titles(5000) == []
    assert story.waits_until() is None


def test_a_message_says_what_since_when_why_and_what_serves_now() -> None:
    """Titles and lines of the start and of the end of an incident."""
    story = Story(config(minimum_origins=3))
    story.at(0, WELL)
    story.at(1_763_600_000, "-++ +")
    (start,) = story.at(1_763_600_060)
    story.at(1_763_603_600, WELL)
    (end,) = story.at(1_763_603_660)

    assert start.title == "Pool primary is down"
    assert start.lines == (
        f"Pool primary: down since {FIRST} (2 of 3 origins healthy, and it needs 3).",
        f"a in pool primary: down since {FIRST} (HTTP timeout occurred).",
        "service.example.com: requests are served by pool replica (d).",
    )
    assert start.critical
    assert end.title == "Pool primary is healthy again after 1 hour"
    was = "it was down for 1 hour (HTTP timeout occurred)"
    assert end.lines[1:] == (
        f"a in pool primary: healthy since {LATER}; {was}.",
        "service.example.com: requests are served by pool primary (a, b and c).",
    )
    assert (start.kind, end.kind) == (MessageKind.START, MessageKind.END)
    assert start.incident == end.incident


def test_it_says_so_when_nothing_is_healthy() -> None:
    """The last line names the fallback pool, which gets the requests anyway."""
    story = Story()
    story.at(0, WELL)
    story.at(1, "--- -")
    (message,) = story.at(61)

    assert message.title == "2 pools and 4 origins are down"
    assert message.lines[-1] == (
        "service.example.com: no pool is healthy; requests go to the fallback pool primary anyway."
    )


def test_origins_that_fail_together_are_one_incident() -> None:
    """Outages within the window are one message, sent when the last one has lasted."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    story.at(100 + GATHERING_SECONDS, "--+ +")
    assert story.titles(160) == []
    assert story.titles(160 + GATHERING_SECONDS) == ["2 origins of pool primary are down"]


def test_one_end_for_one_incident() -> None:
    """The end is sent when all of its origins have been healthy for notify_after."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "--+ +")
    story.at(160)
    assert story.titles(200, "+-+ +") == []
    assert story.titles(400) == []
    assert story.titles(500, WELL) == []
    assert story.titles(560) == ["2 origins of pool primary are healthy again after 6 minutes"]


def test_a_later_outage_is_an_incident_of_its_own() -> None:
    """Each incident has a start and an end."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    story.at(160)
    story.at(200, "--+ +")
    assert story.titles(260) == ["b in pool primary is down"]
    story.at(300, "+-+ +")
    assert story.titles(360) == ["a in pool primary is healthy again after 3 minutes"]


def test_a_short_failure_sends_nothing() -> None:
    """Neither its start nor its end is sent."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    assert story.titles(159, WELL) == []
    assert story.titles(9999) == []
    assert story.outbox.state.sinks["ops"].incidents == []


def test_a_flapping_origin_does_not_spam() -> None:
    """Hours of flapping send one start, and one end once the origin stays up."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    sent = story.titles(160)
    for now in range(200, 10_000, 40):
        sent += story.titles(now, "+++ +" if now % 80 else "-++ +")
    sent += story.titles(10_000, WELL) + story.titles(10_060)

    assert sent == [
        "a in pool primary is down",
        "a in pool primary is healthy again after 2 hours 44 minutes",
    ]


def test_an_origin_that_is_down_from_the_first_probe_is_sent() -> None:
    """Origins that are healthy from the first probe on send nothing."""
    story = Story()
    assert story.titles(0, "-++ +") == []
    assert story.titles(60) == ["a in pool primary is down"]


def test_unknown_health_changes_nothing() -> None:
    """A restart that lost the health neither starts nor ends an incident."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    story.at(160)
    assert story.titles(200, "?++ +") == []
    assert story.titles(900) == []
    story.at(1000, WELL)
    assert story.titles(1060) == ["a in pool primary is healthy again after 15 minutes"]


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        (AlertFilter(), ["a in pool primary is down", "a in pool primary is healthy again after"]),
        (AlertFilter(healthy=False), ["a in pool primary is down"]),
        (AlertFilter(healthy=True), ["a in pool primary is healthy again after"]),
        (AlertFilter(disable=True), []),
    ],
)
def test_the_filter_of_a_pool(rule: AlertFilter, sent: list[str]) -> None:
    """Cloudflare's notification_filter allows both changes, one of them, or none."""
    story = Story(config(notification_filter=NotificationFilter(origin=rule)))
    story.at(0, WELL)
    story.at(100, "-++ +")
    titles = story.titles(160)
    story.at(300, WELL)
    titles += story.titles(360)

    assert [title.partition(" 3 ")[0] for title in titles] == sent


def test_a_filter_can_leave_the_pool_alone() -> None:
    """With its origins filtered out, only the pool's own health is sent."""
    rule = NotificationFilter(origin=AlertFilter(disable=True))
    story = Story(config(notification_filter=rule))
    story.at(0, WELL)
    assert story.titles(100, "--+ +") == []
    assert story.titles(300) == []
    story.at(400, "--- +")
    (message,) = story.at(460)
    assert [(one.pool, one.origin) for one in message.affected] == [("primary", "")]


def test_a_notification_covers_its_pools() -> None:
    """Each notification has its own notify_after."""
    few = notification("few", pools=("replica",), notify_after=0)
    story = Story(config(notification(), few))
    story.at(0, WELL)
    (at_once,) = story.at(100, "-++ -")
    assert (at_once.notification, at_once.title) == ("few", "Pool replica is down")
    (later,) = story.at(160)
    assert later.notification == "ops"


def test_an_origin_that_is_taken_out_ends_its_incident() -> None:
    """The end of an origin that left the configuration says so."""
    story = Story()
    story.at(0, WELL)
    story.at(100, "-++ +")
    story.at(160)
    of = config()
    primary = replace(of.pools[0], origins=of.pools[0].origins[1:])
    changed = replace(of, pools=(primary, of.pools[1]))
    outbox = Outbox(changed, changed.notifications, 400, story.outbox.state)
    assert outbox.due(400) == []
    (end,) = outbox.due(460)
    assert end.message.title == "a in pool primary is not configured any more, after 5 minutes down"


def test_an_end_never_overtakes_its_start() -> None:
    """A sink gets a message only after the one before was delivered."""
    story = Story(config(notification(notify_after=0)))
    story.at(0, WELL)
    (start,) = story.due(100, "-++ +")
    assert story.outbox.failed(start.id, "status 500", 100, scripted(1.0)) is not None
    assert story.due(109, WELL) == []
    (again,) = story.due(111)
    assert again.message.kind is MessageKind.START
    story.outbox.delivered(again.id)
    (end,) = story.due(111)
    assert end.message.kind is MessageKind.END


def test_retries_to_a_failing_sink_back_off() -> None:
    """Pauses double up to an hour, with jitter; after a day the message is given up, and logged."""
    story = Story(config(notification(notify_after=0)))
    story.at(0, WELL)
    now, pauses, said = 100.0, [], []
    story.due(now, "-++ +")
    while due := story.due(now):
        said.append(story.outbox.failed(due[0].id, "no answer", now, scripted(0.5)))
        pauses.append((story.outbox.next_at or now) - now)
        now += pauses[-1]

    assert pauses[:4] == [0.75 * FIRST_RETRY * factor for factor in (1, 2, 4, 8)]
    assert max(pauses) == 0.75 * LONGEST_RETRY
    assert [notice.message for notice in said if isinstance(notice, Notice)] == [
        "notification ops: not delivered (no answer); it is tried for a day",
        "notification ops: given up after a day (no answer): a in pool primary is down",
    ]
    assert GIVEN_UP_AFTER <= now - 100 < GIVEN_UP_AFTER + LONGEST_RETRY


def test_dropped_messages_are_counted_in_the_next_one() -> None:
    """At most MOST_WAITING messages wait for a sink; the oldest ones are dropped."""
    story = Story(config(notification(notify_after=0)))
    story.at(0, WELL)
    for now in range(1, MOST_WAITING + 4):
        story.due(now, "-++ +" if now % 2 else WELL)
    sink = story.outbox.state.sinks["ops"]
    assert (len(sink.waiting), sink.dropped) == (MOST_WAITING, 3)

    first = story.due(999)[0]
    assert first.message.lines[-1] == (
        "3 earlier messages were dropped, as this sink could not be reached."
    )
    story.outbox.delivered(first.id)
    assert "dropped" not in story.due(999)[0].message.body


def test_a_removed_notification_is_dropped() -> None:
    """Its messages are dropped with it; those of another one stay."""
    story = Story(config(notification("one"), notification("two")))
    story.at(0, WELL)
    story.due(100, "-++ +")
    rest = config(notification("two"))
    outbox = Outbox(rest, rest.notifications, 160, story.outbox.state)
    assert [one.message.notification for one in outbox.due(160)] == ["two"]


MARKS = some.text("+-?", min_size=4, max_size=4)
STEPS = some.lists(
    some.tuples(MARKS, some.integers(0, 100), some.sampled_from(["take", "fail", "leave"])),
    max_size=12,
)


def lived(steps: list[tuple[str, int, str]]) -> Outbox:
    """Return an outbox after some random steps."""
    story, now = Story(config(notification("x"), notification("y", notify_after=0))), 0.0
    for marks, seconds, fate in steps:
        now += seconds
        for one in story.due(now, marks):
            if fate == "take":
                story.outbox.delivered(one.id)
            elif fate == "fail":
                story.outbox.failed(one.id, "status 500", now, scripted(0.3))
    return story.outbox


@given(STEPS)
def test_nothing_is_lost_between_two_rounds(steps: list[tuple[str, int, str]]) -> None:
    """The state is read as it was written, and another outbox continues from it."""
    outbox = lived(steps)
    kept = from_json(to_json(outbox.state))
    assert kept == outbox.state

    of = config(notification("x"), notification("y", notify_after=0))
    other = Outbox(of, of.notifications, 0.0, kept)
    assert other.next_at == outbox.next_at
    assert other.due(99_999) == outbox.due(99_999)


@given(STEPS)
def test_every_start_has_at_most_one_end(steps: list[tuple[str, int, str]]) -> None:
    """No end comes before its start, and no message comes twice."""
    story, now, sent = Story(), 0.0, []
    for marks, seconds, _ in [*steps, (WELL.replace(" ", ""), 1, ""), ("++++", 100, "")]:
        now += seconds
        sent += [(one.incident, one.kind) for one in story.at(now, marks)]
    starts = [incident for incident, kind in sent if kind is MessageKind.START]

    assert len(set(sent)) == len(sent)
    for at, (incident, kind) in enumerate(sent):
        if kind is MessageKind.END:
            assert (incident, MessageKind.START) in sent[:at]
    assert len(starts) == len([one for one in sent if one[1] is MessageKind.END])


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["status", "sinks", "waiting", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(some.text() | JSON.map(json.dumps))
def test_any_text_is_read(text: str) -> None:
    """Any other text gives a state that an outbox can start from."""
    kept = from_json(text)
    assert isinstance(kept, OutboxState)
    of = config()
    Outbox(of, of.notifications, 0.0, kept).due(1.0)


def test_a_damaged_text_is_an_empty_outbox() -> None:
    """Truncated text at any length is damaged."""
    text = to_json(lived([("-+++", 1, "leave"), ("-+++", 99, "fail")]).state)
    assert from_json(text) != OutboxState()
    for end in range(len(text)):
        assert from_json(text[:end]) == OutboxState()
