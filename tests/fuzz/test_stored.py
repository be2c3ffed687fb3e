"""Damaged or foreign data between isolates, objects and stores is read or refused."""

from __future__ import annotations

import json
from functools import partial
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lb.health.verdict import FailureReport, OriginHealth, Verdict
from lb.metrics.isolate_totals import IsolateTotals
from lb.metrics.labels import Kind
from lb.metrics.object_totals import ObjectTotals
from lb.metrics.probes import Probed, probed_from_json, probed_to_json
from lb.model import Health, Notification, SinkType
from lb.notify.outbox import Outbox
from lb.notify.sinks import SINKS
from lb.notify.stored import from_json as outbox_from_json
from lb.notify.stored import to_json as outbox_to_json
from lb.object.stored import StoredRow, row_from_json, row_to_json
from lb.probing.region_votes import question_from_json, votes_from_json, votes_to_json
from lb.state.pull import question, read_answer
from lb.state.refresh import Home, Refresh
from lb.state.shared_view import SharedHealth, from_json, health_from_row, health_to_row, to_json
from support.hostile import anything, quick, spoiled, text
from support.messages import SECRETS, SETTINGS, message
from support.state import START, Database, World
from support.telling import Story, config

CONFIG = config()
KEYS = [origin.key for pool in CONFIG.pools for origin in pool.origins]
EMPTY: dict[tuple[str, str], OriginHealth] = {}

healths = some.builds(
    OriginHealth,
    health=some.sampled_from(Health),
    cause=some.sampled_from(["", "TCP Timeout"]),
    streak=some.integers(-9, 9),
    checked=some.floats(0, 2e9),
    latencies=some.sampled_from([(), (("", 0.1), ("WEU", 0.2))]),
)
views = some.builds(
    SharedHealth,
    version=some.integers(0, 10**12),
    fingerprint=some.sampled_from(["", "f" * 16]),
    probed=some.floats(0, 2e9),
    origins=some.dictionaries(some.sampled_from(KEYS), healths),
)


def documents(written: str) -> object:
    """Return the JSON value of a valid text, to be damaged."""
    return json.loads(written)


@given(views)
def test_a_view_is_read_as_it_was_written(view: SharedHealth) -> None:
    """A whole view reads back as it was written."""
    assert from_json(to_json(view)) == view


@given(spoiled(views.map(to_json).map(documents)))
def test_a_view_may_be_anything(written: str) -> None:
    """A damaged view is absent, or has finite times and can be written again."""
    view = quick(lambda: from_json(written))
    if isinstance(view, SharedHealth):
        assert isfinite(view.probed)
        assert from_json(to_json(view)) == view
    else:
        assert view is None


@given(anything)
def test_a_row_may_be_anything(row: object) -> None:
    """Any row is an origin's health or absent."""
    health = health_from_row(row)
    if health is not None:
        assert health_from_row(json.loads(json.dumps(health_to_row(health)))) == health


kept_rows = some.builds(
    StoredRow,
    shared=views,
    asked=some.dictionaries(some.tuples(text, text, text), some.floats(0, 2e9), max_size=3),
    noted=some.floats(0, 2e9),
    disabled=some.frozensets(some.tuples(text), max_size=3),
    notifications=text,
)


@given(spoiled(kept_rows.map(row_to_json).map(documents)))
def test_a_kept_row_may_be_anything(written: str) -> None:
    """A damaged row keeps its readable parts; the rest counts as absent."""
    kept = row_from_json(written)
    assert row_from_json(row_to_json(kept)) == kept


@given(spoiled(kept_rows.map(row_to_json).map(documents)), spoiled(some.just([])))
def test_a_keeper_starts_from_any_row_and_answers_any_question(row: str, question: str) -> None:
    """The keeper starts from any row and answers any question with a readable view."""
    world = World(CONFIG)
    world.keeper.store()
    world.sql("UPDATE kept SET value = ? WHERE id = 0", row.encode("utf-8", "replace").decode())
    world.evict()
    answer = world.keeper.pull(question)
    assert from_json(answer) is not None
    assert world.keeper.next_at is None or isfinite(world.keeper.next_at)


def an_outbox() -> str:
    """Return what an outbox stores in the middle of an incident."""
    story = Story()
    story.at(0, "+++ +")
    story.due(60, "-++ -")
    story.due(600, "-+- -")
    return outbox_to_json(story.outbox.state)


OUTBOX = an_outbox()


@given(spoiled(some.just(documents(OUTBOX))))
def test_an_outbox_may_be_anything(written: str) -> None:
    """An outbox starts from the readable parts of a damaged row, or empty, and works."""
    kept = outbox_from_json(written)
    assert outbox_from_json(outbox_to_json(kept)) == kept
    outbox = Outbox(CONFIG, CONFIG.notifications, START, kept)
    for delivery in outbox.due(START + 1000):
        assert isinstance(delivery.message.title, str)


def test_a_number_without_end_is_no_outbox() -> None:
    """An integer of 400 digits in the place of a time ended the object's alarm."""
    spoiled_row = json.loads(OUTBOX)
    spoiled_row["sinks"]["ops"]["incidents"][0][1] = 10**400
    assert outbox_from_json(json.dumps(spoiled_row)).sinks == {}


def a_hand_over() -> dict[str, object]:
    """Return the counts that an isolate hands over, of responses and events."""
    counts = IsolateTotals("one", START - 60)
    counts.of("*").answered(KEYS[0], 200, 0.02)
    counts.of("*").answered(KEYS[1], 503, 1.5)
    counts.count_mirrored("*", KEYS[0])
    offered = counts.offer(START)
    assert offered is not None
    offered["events"].append([*Kind.FAILED.of("*", *KEYS[0], "1", "timeout"), 2])
    return offered


HAND_OVER = a_hand_over()


POOLS = {pool.name for pool in CONFIG.pools}


def totals(sql: Database, probed: str = "") -> ObjectTotals:
    """Return the totals of CONFIG, with what is stored."""
    return ObjectTotals(CONFIG, sql=sql, log=lambda _event: None, probed=probed)


@given(spoiled(some.just(HAND_OVER)))
def test_a_hand_over_may_be_anything(written: str) -> None:
    """The valid parts of damaged counts are added, stored and read back."""
    try:
        offered = json.loads(written)
    except ValueError:
        return
    sql = Database()
    book = totals(sql)
    assert book.receive(offered, START) in {None, 0, 1} or offered["number"] != 1
    book.store_if_due(START + 1000)
    before = book.charts(POOLS, START + 1000)
    assert totals(sql).charts(POOLS, START + 1000) == before


@pytest.mark.parametrize("number", [10**400, 1e305], ids=["integer", "float"])
def test_a_number_without_end_is_no_count(number: float) -> None:
    """A count or time that is too large, in a hand-over or stored probes, raised OverflowError."""
    offered = json.loads(json.dumps(HAND_OVER))
    offered["events"][0][-1] = offered["answers"][0][-1][0][-1] = number
    sql = Database()
    book = totals(sql, probed=json.dumps([[*KEYS[0], number, 0, 0.0, 0.0]]))
    assert book.receive(offered, START) == 1
    requests = totals(sql).charts(POOLS, START)["origins"][1]["requests"]
    assert sum(requests) == 1


def stored_totals() -> dict[str, object]:
    """Return a stored row of totals with every kind of entry."""
    sql = Database()
    book = totals(sql)
    book.receive(HAND_OVER, START)
    book.record_alarm(START - 1, START)
    book.record_round({}, START + 100)
    (row,) = sql("SELECT value FROM metrics")
    found: dict[str, object] = json.loads(row["value"])
    return found


@given(spoiled(some.just(stored_totals())))
def test_stored_totals_may_be_anything(written: str) -> None:
    """Totals start from the readable parts of a damaged row, and continue counting and storing."""
    sql = Database()
    totals(sql).record_round({}, START)
    sql("UPDATE metrics SET value = ?", written.encode("utf-8", "replace").decode())
    book = totals(sql)
    assert book.receive({**HAND_OVER, "isolate": "another"}, START + 1000) in {0, 1}
    book.record_round({}, START + 2000)
    json.dumps(book.charts(POOLS, START + 2000), allow_nan=False)


probed_rows = some.dictionaries(
    some.sampled_from(KEYS),
    some.builds(Probed, passed=some.integers(0, 99), latest=some.sampled_from([0.0, 0.25])),
).map(probed_to_json)


@given(spoiled(probed_rows.map(documents)))
def test_counts_of_probes_may_be_anything(written: str) -> None:
    """Counts of probes keep the readable parts of a damaged row."""
    found = probed_from_json(written, KEYS)
    assert set(found) <= set(KEYS)
    assert all(isfinite(one.seconds) and one.passed >= 0 for one in found.values())
    assert probed_from_json(probed_to_json(found), KEYS).keys() == found.keys()


@given(spoiled(views.map(to_json).map(documents)) | some.none(), some.floats(0, 2e9))
def test_an_answer_may_be_anything(answer: str | None, now: float) -> None:
    """An isolate takes any answer or continues alone, and asks again."""
    sharing = Refresh("f" * 16, Home.OBJECT, 5.0)
    assert sharing.due(now)
    _, health = read_answer(answer)
    taken = sharing.take(health, now)
    assert taken is None or taken.fingerprint == "f" * 16
    assert sharing.due(now + 1000)
    reports = [FailureReport(pool="p", origin="a", cause="x", at=now)]
    assert json.loads(question(sharing.known, 0, reports))["reports"]


verdicts = some.builds(Verdict, passed=some.booleans(), cause=text)


@given(
    spoiled(some.dictionaries(some.tuples(text, text), verdicts).map(votes_to_json).map(documents))
)
def test_a_region_may_say_anything(written: str) -> None:
    """Invalid votes of a region, and questions about unknown origins, are left out."""
    votes = votes_from_json(written)
    assert all(isinstance(vote.passed, bool) for vote in votes.values())
    assert votes_from_json(votes_to_json(votes)) == votes
    assert all(origin.key in KEYS for origin, _ in question_from_json(written, CONFIG))


@given(some.sampled_from(SinkType), text, text, some.lists(text, max_size=3))
def test_a_message_is_one_request(kind: SinkType, title: str, cause: str, lines: list[str]) -> None:
    """No text in a message adds a header or a recipient, or ends the body early."""
    told = message(title=title, lines=tuple(lines) or (cause,))
    settings = Notification(**{"name": "ops", "type": kind, **SETTINGS[kind]})
    request = SINKS[kind].render(told, settings, SECRETS[kind])
    plain = SINKS[kind].render(message(), settings, SECRETS[kind])
    assert request.url == plain.url
    assert [name for name, _ in request.headers] == [name for name, _ in plain.headers]
    for _, value in request.headers:
        assert value.isprintable()
    request.body.encode()
    if kind is SinkType.EMAIL:
        head, _, body = request.body.partition("\r\n\r\n")
        names = [line.partition(":")[0] for line in head.split("\r\n") if line[:1] != " "]
        usual = plain.body.partition("\r\n\r\n")[0].split("\r\n")
        assert names == [line.partition(":")[0] for line in usual if line[:1] != " "]
        assert body.isascii()
        assert "\n" not in head.replace("\r\n", "")
    else:
        assert isinstance(json.loads(request.body), dict)


@pytest.mark.parametrize("unit", ["[", '{"a":', "1", '"', "\\", "{}", "[],", " ", "null,"])
def test_nothing_costs_a_square(unit: str) -> None:
    """Every reader refuses 100,000 repetitions of a unit at once."""
    for reader in (
        from_json,
        row_from_json,
        outbox_from_json,
        votes_from_json,
        partial(question_from_json, config=CONFIG),
    ):
        for long in (unit * 100_000, f'{{"origins":[{unit * 100_000}'):
            quick(partial(reader, long))
