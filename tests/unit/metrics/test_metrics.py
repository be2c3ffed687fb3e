"""Counts of requests, their hand-over to the Durable Object, and the text for Prometheus."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from lb.health.verdict import OriginHealth, Verdict
from lb.log_events import Event, Hedged, Refusal, Trouble
from lb.metrics.isolate_totals import IsolateTotals
from lb.metrics.labels import CAUSES, KINDS, REFUSALS, RULES, Kind, cause_of
from lb.metrics.object_totals import STORED_EVERY, ObjectTotals, packed, unpacked
from lb.metrics.points import MOST_POINTS, Point
from lb.metrics.rings import REQUEST_TIMES, REQUESTS
from lb.metrics.text.families import COUNTERS, CurrentState
from lb.metrics.text.openmetrics import Family, Type, text_of
from lb.metrics.totals import MOST_ANSWERS, MOST_EVENTS, OTHER, Totals
from lb.model import (
    Config,
    Failover,
    FixedResponse,
    Health,
    LoadShedding,
    Rule,
    SessionAffinity,
    State,
)
from lb.proxy.forwarding import server_timing
from lb.proxy.tallies import BOUNDS, CELLS
from lb.request.outcomes import Cause
from lb.version import VERSION
from support.edge import FakeEdge
from support.make import balancer_of, config_of, monitor, origin, pool
from support.scrape import Scrape
from support.state import Database

URL = "https://service.example.com"
NOW = 1_790_000_000.0
PAIR = (pool("primary", "a"), pool("replica", "b"))
A = {"load_balancer": "*", "pool": "primary", "origin": "a"}
B = {"load_balancer": "*", "pool": "replica", "origin": "b"}


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    """Mock the origins a and b, which answer with their names."""
    with respx.mock(assert_all_called=False) as router:
        router.route(host="a.example.com").respond(200, text="a")
        router.route(host="b.example.com").respond(200, text="b")
        yield router


@dataclass
class Book:
    """Totals, their storage, and the present state beside them."""

    config: Config
    now: float = NOW
    sql: Database = field(default_factory=Database)
    log: list[Event] = field(default_factory=list)
    probed: str = ""

    def __post_init__(self) -> None:
        self.evict()

    def evict(self) -> None:
        """Start again from the stored row."""
        self.totals = ObjectTotals(
            self.config, sql=self.sql, log=self.log.append, probed=self.probed
        )

    def receive(self, counts: IsolateTotals) -> int:
        """Receive the counts of an isolate, and acknowledge what is stored."""
        offered = counts.offer(self.now)
        stored = self.totals.receive(json.loads(json.dumps(offered)), self.now)
        counts.acknowledged(stored or 0)
        return stored or 0

    def scrape(self, health: dict[tuple[str, str], OriginHealth] | None = None) -> Scrape:
        """Return what Prometheus reads."""
        current = CurrentState(
            config=self.config,
            health=health or {},
            now=self.now,
            round_at=self.now - 7,
            events=3,
            version=12,
        )
        return Scrape(self.totals.text(current))


def scraped(edge: FakeEdge, config: Config) -> Scrape:
    """Return what Prometheus reads after an isolate handed over its counts."""
    book = Book(config)
    book.receive(edge.counts)
    return book.scrape()


def counting(name: str = "one", **answers: int) -> IsolateTotals:
    """Return an isolate with these numbers of answers of origins."""
    counts = IsolateTotals(name, NOW - 60)
    for key, count in answers.items():
        for _ in range(count):
            counts.of("*").answered(("primary", key), 200, 0.02)
    return counts


# Requests


def test_an_answer_is_counted_for_its_origin_and_its_time(web: respx.MockRouter) -> None:
    """By load balancer, pool, origin, class of status and attempt; buckets are cumulative."""
    config = config_of(balancer_of(*PAIR))
    edge = FakeEdge(config)

    def slowly(request: httpx.Request) -> httpx.Response:
        edge.now += 0.3
        return httpx.Response(404)

    edge.fetch("GET", URL)
    web.route(host="a.example.com").mock(side_effect=slowly)
    edge.fetch("GET", URL)
    found = scraped(edge, config)

    assert found.all("evenkeel_requests_total", **A, attempt="1") == {
        ("2xx",): 1,
        ("4xx",): 1,
        ("5xx",): 0,
    }
    assert found.sum("evenkeel_attempts_total", **A) == 2
    buckets = found.all("evenkeel_request_duration_seconds_bucket", load_balancer="*")
    assert buckets["0.005",] == buckets["0.25",] == 1
    assert buckets["0.5",] == buckets["+Inf",] == 2
    assert found.sum("evenkeel_request_duration_seconds_count") == 2
    assert found.sum("evenkeel_request_duration_seconds_sum") == pytest.approx(0.3)
    assert found.sum("evenkeel_origin_duration_seconds_sum", **A) == pytest.approx(0.3)
    assert found.sum("evenkeel_failovers_total") == 0


def test_a_failover_counts_for_both_origins(web: respx.MockRouter) -> None:
    """A request counts as one answer, whatever the number of its attempts."""
    config = config_of(balancer_of(*PAIR))
    edge = FakeEdge(config)

    def refuses(request: httpx.Request) -> httpx.Response:
        edge.now += 2.0
        raise httpx.ConnectError("refused")

    web.route(host="a.example.com").mock(side_effect=refuses)
    edge.fetch("GET", URL)
    found = scraped(edge, config)

    assert found.all("evenkeel_requests_total", **B) == {("2", "2xx"): 1}
    assert found.sum("evenkeel_requests_total") == 1
    assert found.all("evenkeel_attempts_total", **A) == {("1", "connection"): 1}
    assert found.all("evenkeel_attempts_total", **B) == {("2", "2xx"): 1}
    assert found.all("evenkeel_failovers_total", **A) == {(): 1}
    assert found.sum("evenkeel_retries_total", **A) == 0
    assert found.sum("evenkeel_retries_total", **B) == 1
    assert found.all("evenkeel_ejections_total", **A) == {("connection",): 1}
    # The client waited for both, the origin only for itself.
    assert found.sum("evenkeel_request_duration_seconds_sum") == pytest.approx(2.0)
    assert found.sum("evenkeel_origin_duration_seconds_sum", **B) == pytest.approx(0.0)


def test_the_last_failure_is_an_answer_too(web: respx.MockRouter) -> None:
    """Two failed attempts are one answer, the last one, to the client."""
    web.route(host="a.example.com").respond(503)
    web.route(host="b.example.com").respond(502)
    config = config_of(balancer_of(*PAIR))
    edge = FakeEdge(config)

    assert edge.fetch("GET", URL).status_code == 502
    found = scraped(edge, config)

    assert found.sum("evenkeel_requests_total") == 1
    assert found.all("evenkeel_requests_total", **B) == {("2", "5xx"): 1}
    assert found.all("evenkeel_attempts_total", **A) == {("1", "status_5xx"): 1}
    assert found.all("evenkeel_attempts_total", **B) == {("2", "status_5xx"): 1}
    assert found.sum("evenkeel_request_duration_seconds_count") == 1


def test_answers_of_the_balancer_itself_are_counted_by_cause(web: respx.MockRouter) -> None:
    """They count as attempt 0, without an origin."""
    fixed = Rule(name="r", fixed_response=FixedResponse(status_code=418), terminates=True)
    lb = balancer_of(*PAIR, name="tea.example.com", rules=(fixed,))
    down = balancer_of(*PAIR, name="down.example.com", https_redirect=True)
    config = config_of(lb, down)
    edge = FakeEdge(config)
    web.route(host="a.example.com").mock(side_effect=httpx.ConnectError("refused"))
    web.route(host="b.example.com").mock(side_effect=httpx.ConnectError("refused"))

    for url in ("https://tea.", "http://down.", "https://down.", "https://other."):
        edge.fetch("GET", f"{url}example.com/")
    found = scraped(edge, config)

    assert found.all("evenkeel_own_answers_total") == {
        ("tea.example.com", "fixed_response"): 1,
        ("down.example.com", "redirect_to_https"): 1,
        ("down.example.com", "no_origin_answered"): 1,
        ("", "unknown_host"): 1,
    }
    assert found.all("evenkeel_requests_total", attempt="0", pool="", origin="") == {
        ("tea.example.com", "4xx"): 1,
        ("down.example.com", "3xx"): 1,
        ("down.example.com", "5xx"): 1,
        ("", "4xx"): 1,
    }


def test_sessions_are_hits_misses_or_moved(web: respx.MockRouter) -> None:
    """A session whose origin failed counts as moved."""
    config = config_of(balancer_of(*PAIR, session_affinity=SessionAffinity.COOKIE))
    edge = FakeEdge(config)

    cookie = edge.fetch("GET", URL).headers["set-cookie"].partition(";")[0]
    for _ in range(2):
        edge.fetch("GET", URL, headers={"cookie": cookie})
    web.route(host="a.example.com").mock(side_effect=httpx.ConnectError("refused"))
    edge.fetch("GET", URL, headers={"cookie": cookie})

    found = scraped(edge, config).all("evenkeel_sessions_total", load_balancer="*")
    assert found == {("miss",): 1, ("hit",): 2, ("moved",): 1}


def test_sessions_by_header_are_hits_or_misses(web: respx.MockRouter) -> None:
    """Requests with the header are hits, others are misses."""
    lb = balancer_of(pool("primary", "a", "b"), session_affinity=SessionAffinity.HEADER)
    attributes = replace(lb.session_affinity_attributes, headers=("x-user",))
    config = config_of(replace(lb, session_affinity_attributes=attributes))
    edge = FakeEdge(config)

    edge.fetch("GET", URL, headers={"x-user": "7"})
    edge.fetch("GET", URL)

    found = scraped(edge, config).all("evenkeel_sessions_total", load_balancer="*")
    assert found == {("hit",): 1, ("miss",): 1}


def test_shed_requests_are_counted_for_the_pool_that_shed_them(web: respx.MockRouter) -> None:
    """Each request counts once, whatever the number of its attempts."""
    shedding = pool("primary", "a", load_shedding=LoadShedding(default_percent=100))
    config = config_of(balancer_of(shedding, pool("replica", "b"), fallback_pool=PAIR[1]))
    edge = FakeEdge(config)

    assert edge.fetch("GET", URL).text == "b"

    found = scraped(edge, config).all("evenkeel_shed_requests_total")
    assert found == {("*", "primary"): 1}


def test_requests_under_rules_count_for_their_load_balancer(web: respx.MockRouter) -> None:
    """A rule has no series of its own."""
    rule = Rule(name="r", overrides=(("session_affinity", SessionAffinity.COOKIE),))
    config = config_of(balancer_of(*PAIR, rules=(rule,)))
    edge = FakeEdge(config)

    edge.fetch("GET", URL)

    assert scraped(edge, config).sum("evenkeel_requests_total", **A) == 1


def test_a_websocket_is_counted_when_it_is_opened() -> None:
    """Answers with status 101 are WebSockets."""
    counts = counting()
    counts.of("*").answered(("primary", "a"), 101, 0.01)
    book = Book(config_of(balancer_of(*PAIR)))
    book.receive(counts)

    assert book.scrape().all("evenkeel_websockets_total") == {("*", "primary", "a", "1"): 1}


def test_every_time_has_its_bucket() -> None:
    """A duration equal to a bound is in its bucket (le), and longer ones are in the last bucket."""
    counts = IsolateTotals("one", NOW)
    for seconds in (*BOUNDS, 99.0):
        counts.of("*").answered(("primary", "a"), 200, seconds)
    book = Book(config_of(balancer_of(*PAIR)))
    book.receive(counts)

    found = book.scrape().all("evenkeel_request_duration_seconds_bucket", load_balancer="*")

    assert list(found.values()) == list(range(1, len(BOUNDS) + 2))


def test_counts_continue_after_a_change_of_the_configuration(web: respx.MockRouter) -> None:
    """The next balancer of an isolate has the same counters."""
    config = config_of(balancer_of(*PAIR))
    before = FakeEdge(config)
    before.fetch("GET", URL)
    after = FakeEdge(config)
    after.balancer.servings[0].tallies = before.counts.of("*")
    after.fetch("GET", URL)

    assert scraped(before, config).sum("evenkeel_requests_total", **A) == 2


# Labels


def test_labels_come_from_tables() -> None:
    """Every cause in the code has a label, and all others have a common one."""
    assert {cause_of(cause.value) for cause in Cause} <= set(CAUSES.values())
    assert cause_of("status 503") == "status_5xx"
    assert cause_of("anything else") == cause_of("status x") == "other"
    assert set(REFUSALS) == set(Refusal)
    assert len(set(REFUSALS.values())) == len(REFUSALS)


def test_every_kind_has_a_metric() -> None:
    """Every count appears in the text."""
    shown = {kind for kind, _, _ in COUNTERS} | {Kind.FAILED, Kind.REFUSED}

    assert shown == set(Kind)
    assert set(KINDS.values()) == set(Kind)
    assert {event.event for event in RULES} >= {"failover", "refused", "origin_ejected", "hedged"}


def test_series_are_bounded() -> None:
    """Beyond the bound, counts have the label "other", and none is lost."""
    counted = Totals()
    cells = [0.0] + [0] * (CELLS - 2) + [1]
    for number in range(MOST_ANSWERS + 50):
        counted.add_answers(("*", "p", f"o{number}", "1", ""), cells)
    for number in range(MOST_EVENTS + 50):
        counted.add_event(("events", f"e{number}"))

    assert counted.answers["*", OTHER, OTHER, "1", ""][-1] == 50
    assert counted.events["events", OTHER] == 50
    assert len(counted.answers) == MOST_ANSWERS + 1


# Handing over


def test_counts_are_shown_once_they_are_stored() -> None:
    """The isolate drops them when they are acknowledged."""
    book = Book(config_of(balancer_of(*PAIR)))
    counts = counting(a=5)

    assert book.receive(counts) == 1

    assert counts.offer(NOW) is None
    assert book.scrape().sum("evenkeel_requests_total", **A) == 5


def test_a_lost_answer_makes_nothing_count_twice() -> None:
    """The same counts are repeated with their number; new ones wait for the next number."""
    book = Book(config_of(balancer_of(*PAIR)))
    counts = counting(a=5)
    book.totals.receive(counts.offer(NOW), NOW)
    counts.of("*").answered(("primary", "a"), 200, 0.02)

    assert book.receive(counts) == 1
    assert book.receive(counts) == 1  # number 2 is received, and not stored yet
    book.now += STORED_EVERY
    assert book.receive(counts) == 2

    assert book.scrape().sum("evenkeel_requests_total", **A) == 6


def test_an_eviction_loses_nothing_and_no_counter_decreases() -> None:
    """Received counts that are not stored are not shown, and are repeated."""
    book = Book(config_of(balancer_of(*PAIR)))
    one, two = counting("one", a=5), counting("two", b=7)
    book.receive(one)
    assert book.receive(two) == 0
    before = book.scrape().sum("evenkeel_requests_total")

    book.evict()
    after = book.scrape().sum("evenkeel_requests_total")
    book.now += STORED_EVERY
    book.receive(two)

    assert (before, after) == (5, 5)
    assert book.scrape().sum("evenkeel_requests_total") == 12
    assert book.scrape().all("evenkeel_isolates") == {(): 2}


def test_at_most_one_row_a_minute_is_written() -> None:
    """The number of hand-overs and alarms does not matter."""
    book = Book(config_of(balancer_of(*PAIR)))
    before = book.sql.written
    for _ in range(600):
        book.now += 1
        for name in ("one", "two", "three"):
            book.receive(counting(name + str(book.now), a=1))
        book.totals.record_round({}, book.now)

    assert book.sql.written - before <= 1 + 600 / STORED_EVERY
    book.now += STORED_EVERY
    assert book.scrape().sum("evenkeel_requests_total", **A) == 1800


def test_isolates_that_ask_often_have_their_counts_stored_often() -> None:
    """Counts wait for twice an explicit `refresh` at most."""
    config = replace(config_of(balancer_of(*PAIR)), state=State(refresh=2))
    book = Book(config)
    book.receive(counting("one", a=1))
    book.now += 4

    assert book.receive(counting("two", a=1)) == 1


def test_a_damaged_hand_over_counts_what_is_whole() -> None:
    """Hand-overs of another version raise no exception."""
    book = Book(config_of(balancer_of(*PAIR)))
    cells = [[0, 1.0], [30, 2], [99999, 1], ["x", 1], [31, -1], [32, float("nan")], 7]
    bad: tuple[object, ...] = (
        None,
        [],
        "x",
        {"isolate": 7, "number": 1},
        {"isolate": "", "number": 1},
        {"isolate": "x" * 65, "number": 1},
        {"isolate": "a", "number": "1"},
        {"isolate": "b", "number": 1, "answers": {}, "events": [["x"], [], 5, [1, 2]]},
        {"isolate": "c", "number": 1, "since": "x", "answers": [["*", "primary", "a", "1", 5]]},
        {"isolate": "d", "number": 1, "answers": [["*", "primary", "a", "1", "", cells]]},
    )
    for offered in bad:
        book.totals.receive(offered, book.now)
        book.now += STORED_EVERY

    assert book.scrape().sum("evenkeel_requests_total") == 2


def test_a_damaged_row_is_replaced() -> None:
    """A damaged row raises nothing and logs nothing."""
    book = Book(config_of(balancer_of(*PAIR)))
    book.receive(counting(a=1))
    for text in ("", "x", "[]", '{"counted": 7, "rings": [], "isolates": [[1]], "stored": "x"}'):
        book.sql("UPDATE metrics SET value = ?", text)
        book.evict()
        assert book.scrape().sum("evenkeel_requests_total") == 0

    assert book.log == []
    assert packed("x" * 10) == "x" * 10
    long = json.dumps({"x": "long" * 100_000})
    assert len(packed(long)) < 100_000
    assert unpacked(packed(long)) == long


def test_removed_origins_have_no_series() -> None:
    """They are dropped after a change of the configuration."""
    book = Book(config_of(balancer_of(*PAIR)))
    counts = counting(a=1, b=1)
    counts.of("*").answered(("replica", "b"), 200, 0.1)
    book.receive(counts)

    book.config = config_of(balancer_of(PAIR[1]))
    book.evict()

    assert book.scrape().all("evenkeel_requests_total", outcome="2xx") == {
        ("*", "replica", "b", "1"): 1
    }


def test_a_thousand_origins_have_room_in_the_row() -> None:
    """The row also holds an hour of charts."""
    origins = [f"origin-{number}" for number in range(1000)]
    config = config_of(balancer_of(pool("primary", *origins)))
    book = Book(config)
    for minute in range(60):
        for name in origins:
            at = book.now + 60 * minute
            book.totals._rings.add_count(("primary", name), REQUESTS, 1000 + minute, at, at)
            book.totals._rings.add_times(("primary", name), REQUEST_TIMES, (33.3, 1000), at, at)
    book.now += 3600
    counts = IsolateTotals("one", book.now)
    for name in origins:
        for seconds in BOUNDS:
            counts.of("*").answered(("primary", name), 200, seconds)
    book.receive(counts)
    book.totals.record_round({}, book.now)
    (row,) = book.sql("SELECT value FROM metrics")
    book.evict()

    assert len(row["value"]) < 1_000_000
    charts = book.totals.charts({"primary"}, book.now)
    assert charts["origins"][999]["requests"][-3:] == [1058, 1059, len(BOUNDS)]
    assert book.scrape().sum("evenkeel_requests_total") == 1000 * len(BOUNDS)


# Text


def test_health_is_shown_as_state_sets() -> None:
    """Load balancers, pools and origins have state sets; disabled origins are marked."""
    off = pool("off", origin("c", "off", enabled=False))
    config = config_of(balancer_of(*PAIR, off))
    book = Book(config)
    down = OriginHealth(health=Health.UNHEALTHY)

    found = book.scrape({("primary", "a"): down})

    state = {"evenkeel_origin_health": "unhealthy"}
    assert found.all("evenkeel_origin_health", **state) == {
        ("primary", "a"): 1,
        ("replica", "b"): 0,
        ("off", "c"): 0,
    }
    state = {"evenkeel_pool_health": "critical"}
    assert found.all("evenkeel_pool_health", **state)["primary",] == 1
    state = {"evenkeel_load_balancer_health": "degraded"}
    assert found.all("evenkeel_load_balancer_health", **state) == {("*",): 1}
    assert found.all("evenkeel_origin_enabled")["off", "c"] == 0
    assert found.all("evenkeel_origin_weight")["primary", "a"] == 1
    assert found.all("evenkeel_snapshot_age_seconds") == {(): 7}
    assert found.all("evenkeel_configuration_version") == {(): 12}
    assert found.all("evenkeel_health_events_total") == {(): 3}
    assert found.all("evenkeel_build_info") == {(VERSION,): 1}


def test_probes_are_counted_and_timed() -> None:
    """The counts that are stored with the health are read again."""
    book = Book(config_of(balancer_of(pool("primary", "a", monitor=monitor()))))
    one = origin("a", "primary")
    book.totals.record_probe(one, Verdict(passed=True, latencies=(("", 0.02),)), NOW)
    book.totals.record_probe(one, Verdict(passed=True, latencies=(("", 0.04),)), NOW)
    book.totals.record_probe(one, Verdict(passed=False, cause="no", duration=9), NOW)
    book.totals.record_probe(one, Verdict(passed=False, conclusive=False, cause="cached"), NOW)
    book.totals.record_alarm(NOW - 1.5, NOW)
    book.totals.record_round({}, NOW)
    book.probed = book.totals.probes_text()
    book.evict()

    found = book.scrape()

    assert found.all("evenkeel_probes_total") == {
        ("primary", "a", "passed"): 2,
        ("primary", "a", "failed"): 1,
    }
    assert found.sum("evenkeel_probe_duration_seconds_sum") == pytest.approx(0.06)
    assert found.sum("evenkeel_probe_latest_seconds") == pytest.approx(0.04)
    assert found.all("evenkeel_alarm_lateness_seconds") == {(): 1.5}
    assert book.totals.latest == {("primary", "a"): 0.04}
    assert book.totals.charts({"primary"}, NOW)["origins"][0]["probe_ms"][-1] == 30.0


def test_a_passed_round_without_a_passed_probe_has_no_time_of_its_own() -> None:
    """A group passes although the one monitor that was asked, and has no vote, timed out."""
    book = Book(config_of(balancer_of(pool("primary", "a", monitor=monitor()))))
    one = origin("a", "primary")
    member = Verdict(passed=False, cause="HTTP timeout occurred", duration=15)
    book.totals.record_probe(one, Verdict(passed=True, latencies=(("", 0.02),)), NOW)
    book.totals.record_probe(one, Verdict(passed=True, duration=15, members=(("m", member),)), NOW)
    book.totals.record_round({}, NOW)

    found = book.scrape()

    assert found.sum("evenkeel_probes_total", result="passed") == 2
    assert found.sum("evenkeel_probe_duration_seconds_sum") == pytest.approx(0.04)
    assert book.totals.latest == {("primary", "a"): 0.02}
    assert book.totals.charts({"primary"}, NOW)["origins"][0]["probe_ms"][-1] == 20.0


def test_charts_show_hand_overs_at_once() -> None:
    """Failures are failed attempts and answers with a status of 500 or more."""
    book = Book(config_of(balancer_of(*PAIR)))
    book.receive(counting("first", a=1))
    counts = IsolateTotals("one", NOW)
    counts.of("*").answered(("primary", "a"), 200, 0.02)
    counts.of("*").answered(("primary", "a"), 500, 0.04)
    counts.of("*").answered_late(("replica", "b"), 2, 503, 0.1, 0.3, failed=True)
    log = counts.counting_log(lambda _event: None)
    log(Trouble(message="x"))
    offered = counts.offer(NOW)
    assert offered is not None
    offered["events"] += [
        [*Kind.FAILED.of("*", "primary", "a", "1", "connection"), 1],
        [*Kind.FAILED.of("*", "replica", "b", "2", "status_5xx"), 1],
        [*Kind.REFUSED.of("*", "no_origin_answered", "5xx"), 1],
    ]
    assert book.totals.receive(offered, NOW) == 0

    found = book.totals.charts({"primary", "replica"}, NOW)

    first, second = found["origins"]
    (balancer,) = found["load_balancers"]
    assert (sum(first["requests"]), sum(first["failures"])) == (4, 2)
    assert (sum(second["requests"]), sum(second["failures"])) == (1, 1)
    assert (sum(balancer["requests"]), sum(balancer["failures"])) == (5, 3)
    assert balancer["latency_ms"][-1] == pytest.approx(95)
    assert first["latency_ms"][-1] == pytest.approx(26.7)
    assert book.totals.shares(NOW)["primary", "a"] == 0.8


def test_prometheus_parses_the_text() -> None:
    """All families, with units, help texts and escapes."""
    nasty = 'a"b\\c'
    config = config_of(balancer_of(pool("primary", nasty), pool("replica", "b")))
    book = Book(config)
    counts = counting()
    counts.of("*").answered(("primary", nasty), 200, 0.02)
    for kind in Kind:
        labels = [{"origin": "b", "pool": "replica"}.get(label, "x") for label in kind.labels]
        counts._fresh.add_event(kind.of(*labels))
    book.receive(counts)

    found = book.scrape()

    assert found.sum("evenkeel_requests_total", origin=nasty) == 1
    assert all(family.documentation for family in found.families.values())
    assert all(
        family.name.endswith(f"_{family.unit}") for family in found.families.values() if family.unit
    )
    assert len(found.families) > 25


def test_histograms_never_decrease_within_themselves() -> None:
    """Buckets are cumulative, as the format requires."""
    family = Family("x_seconds", Type.HISTOGRAM, "Text.", "seconds")
    family.spread((0.1, 1.0), (1, 0, 2), 5.5, a="b\n")
    found = Scrape(text_of([family]))

    values = list(found.all("x_seconds_bucket").values())
    assert all(one <= other for one, other in pairwise(values))
    assert found.sum("x_seconds_count") == values[-1] == 3


def test_the_version_is_that_of_the_package() -> None:
    """The Worker shows the version of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads(
        (Path(__file__).parents[3] / "pyproject.toml").read_text()
    )["project"]

    assert project["version"] == VERSION


def test_hedges_are_counted_by_who_answered() -> None:
    """The first or the second attempt answered, or neither."""
    counts = counting()
    log: Callable[[Event], None] = counts.counting_log(lambda _event: None)
    for answered in ("a", "b", "b", ""):
        log(
            Hedged(
                load_balancer="*",
                pool="primary",
                origin="a",
                next="b",
                answered=answered,
                duration=0.1,
            )
        )
    book = Book(config_of(balancer_of(*PAIR, failover=Failover(hedge_after=0.1))))
    book.receive(counts)

    assert book.scrape().all("evenkeel_hedges_total", load_balancer="*") == {
        ("first",): 1,
        ("second",): 2,
        ("neither",): 1,
    }


def test_server_timing_has_the_durations(web: respx.MockRouter) -> None:
    """The total duration, that of the origin, and the number of attempts."""
    config = config_of(balancer_of(*PAIR, server_timing=True))
    edge = FakeEdge(config)

    def slowly(request: httpx.Request) -> httpx.Response:
        edge.now += 0.25
        if request.url.host == "a.example.com":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers={"Server-Timing": "db;dur=7"})

    web.route(host="a.example.com").mock(side_effect=slowly)
    web.route(host="b.example.com").mock(side_effect=slowly)

    assert edge.fetch("GET", URL).headers.get_list("server-timing") == [
        "db;dur=7",
        'lb;dur=500.0, origin;desc="b";dur=250.0, attempts;desc="2"',
    ]
    silent = FakeEdge(config_of(balancer_of(PAIR[1])))
    assert silent.fetch("GET", URL).headers.get_list("server-timing") == ["db;dur=7"]


def test_server_timing_hides_origins_as_x_served_by_does() -> None:
    """Names are escaped."""
    one = origin('a"b', "primary")
    quiet, open_ = balancer_of(*PAIR, x_served_by=False), balancer_of(*PAIR)

    assert server_timing(quiet, one, 0.1, 0.2, 1) == (
        'lb;dur=200.0, origin;dur=100.0, attempts;desc="1"'
    )
    assert r'desc="a\"b"' in server_timing(open_, one, 0.1, 0.2, 1)


def test_every_metric_is_in_the_documentation() -> None:
    """docs/metrics.md has the name in queries."""
    text = (Path(__file__).parents[3] / "docs/metrics.md").read_text()
    book = Book(config_of(balancer_of(*PAIR)))
    suffixes = {"counter": "_total", "info": "_info"}

    names = {name + suffixes.get(one.type, "") for name, one in book.scrape().families.items()}

    assert {name for name in names if f"`{name}`" not in text} == set()


def test_data_points_carry_each_count_once() -> None:
    """Independent of hand-overs, and within the limits of Analytics Engine."""
    long = "x" * 200
    counts = IsolateTotals("one", NOW, analytics=True)
    for number in range(MOST_POINTS + 10):
        counts.of(long).answered(("p", f"o{number}"), 200, 0.5)
    counts.of("*").answered(("primary", "a"), 503, 0.25)
    counts.counting_log(lambda _event: None)(Trouble(message="x"))
    counts.offer(NOW)

    first, second = counts.points(), counts.points()

    assert (len(first), len(second)) == (MOST_POINTS, 12)
    assert counts.points() == []
    assert all(len(one.key.encode()) <= 96 for one in first)
    assert all(len(one.blobs) <= 20 and len(one.doubles) <= 20 for one in first + second)
    assert Point("*", ["answers", "*", "primary", "a", "1", ""], [1, 0, 0, 0, 0, 1, 0.25]) in second
    assert Point("error", ["events", "error"], [1]) in second
    assert counting(a=1).points() == []
