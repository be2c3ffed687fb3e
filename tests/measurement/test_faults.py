"""The fault schedule: which requests count as lost, and which bounds were broken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from lb.config import Invalid, from_toml
from measure.common.breaking_origin import ANSWERS, Mode, Origin, first_request
from measure.common.open_loop import CUT, NO_ANSWER, Record, ask, load, method_of
from measure.faults import schedule
from measure.faults.account import Account, account
from measure.faults.bounds import ALLOWANCE, BOUNDS, LATE, broken, untrustworthy
from measure.faults.model import Layout, Timing
from measure.faults.peers import PEERS, configuration
from measure.faults.report import row, tables, violations
from measure.faults.run import Line, Result
from measure.faults.schedule import FAULTS, Fault

TIMING = Timing(rate=10, before=1.0, fault=2.0, after=1.0, first_byte_timeout=0.1)
GOOD = Record(0.0, "GET", "200", 0.01, "one")
EVENKEEL = PEERS[0]


def drawn(*records: Record, posts: tuple[dict[str, int], ...] = ()) -> Account:
    """Return the account of these records."""
    return account(records, [Counter(one) for one in posts], TIMING, "two", 0.0)


def kept(fault: Fault) -> Account:
    """Return an account that keeps every bound."""
    done = drawn(GOOD)
    return replace(done, moved=BOUNDS[fault].moves)


def test_a_request_without_a_complete_answer_of_200_is_lost() -> None:
    """Lost requests are counted by method and by outcome."""
    done = drawn(
        GOOD,
        GOOD._replace(outcome="503", seconds=0.5),
        GOOD._replace(outcome=CUT),
        GOOD._replace(method="POST", outcome=NO_ANSWER),
        GOOD._replace(method="POST"),
        GOOD._replace(outcome="500", at=3.0),
    )
    assert (done.sent, done.gets_lost, done.posts_lost) == (6, 3, 1)
    assert done.outcomes == {"200": 2, "503": 1, CUT: 1, NO_ANSWER: 1, "500": 1}
    assert (done.slowest, done.not_503, done.in_a_row, done.lost_after) == (0.5, 3, 3, 1)


def test_a_replay_is_a_post_that_origins_got_more_than_once() -> None:
    """The same origin counts as well as the other one."""
    assert drawn(GOOD, posts=({"4": 1, "9": 1}, {"14": 1})).replayed == 0
    assert drawn(GOOD, posts=({"4": 1, "9": 1}, {"4": 1})).replayed == 1
    assert drawn(GOOD, posts=({"4": 2}, {"9": 3})).replayed == 2


def test_traffic_has_moved_when_the_other_origin_answers_all() -> None:
    """The last quarter of the fault counts."""
    early, late = GOOD._replace(at=1.5), GOOD._replace(at=2.6, origin="two")
    assert drawn(early, late).moved
    assert not drawn(early, late, late._replace(origin="one")).moved
    assert not drawn(early, late._replace(outcome="503")).moved


def test_every_fault_has_bounds_and_every_mode_an_answer() -> None:
    """The tables of faults and modes are total."""
    assert set(BOUNDS) == set(FAULTS)
    assert set(ANSWERS) == set(Mode)
    assert all(bounds.reason for bounds in BOUNDS.values())
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_broken_bound_has_a_sentence(fault: Fault) -> None:
    """An account that keeps all bounds has none."""
    fine = kept(fault)
    assert list(broken(fault, fine, TIMING)) == []

    bounds = BOUNDS[fault]
    bad = replace(fine, replayed=1, lost_after=2, slowest=9.0, posts_lost=99, gets_lost=99)
    sentences = list(broken(fault, bad, TIMING))
    assert "1 POSTs reached origins more than once, at most 0 are allowed" in sentences
    assert (
        "2 requests were lost after the origins had recovered, at most 0 are allowed" in sentences
    )
    most = bounds.timeouts * 0.1 + ALLOWANCE
    assert f"the slowest request took 9.00 s, at most {most:.2f} s are allowed" in sentences
    assert any("POSTs were lost" in line for line in sentences) == (bounds.posts_lost is not None)
    assert any("GETs were lost" in line for line in sentences) == (bounds.gets_lost is not None)


def test_bounds_of_some_faults() -> None:
    """A cut that is not noticed, traffic that does not move, and losses without a 503."""
    sentences = list(broken(schedule.CUTS, replace(kept(schedule.CUTS), in_a_row=11), TIMING))
    assert sentences == ["11 requests were lost in a row, at most 10 are allowed"]
    sentences = list(broken(schedule.SICK, replace(kept(schedule.SICK), moved=False), TIMING))
    assert sentences == ["traffic had not moved to the other origin by the end of the fault"]
    sentences = list(
        broken(schedule.BOTH_DOWN, replace(kept(schedule.BOTH_DOWN), not_503=1), TIMING)
    )
    assert sentences == ["1 requests were lost without a 503, at most 0 are allowed"]


def test_bounds_hold_for_evenkeel_alone() -> None:
    """The other balancers are there for comparison."""
    bad = replace(drawn(GOOD), replayed=1)
    lines = [Line(peer, Layout.PASSIVE, schedule.FLAPS) for peer in PEERS]
    results = [Result(line, 1, bad) for line in lines]

    (sentence,) = violations(results, TIMING)
    assert sentence.startswith("Evenkeel, active-passive: flaps (run 1): 1 POSTs reached origins")
    assert [table.title for table in tables(results)] == [
        f"{peer.name}, active-passive" for peer in PEERS
    ]


def test_runs_that_differ_are_all_shown() -> None:
    """A lost request of one run does not disappear in a median."""
    line = Line(EVENKEEL, Layout.PASSIVE, schedule.FLAPS)
    runs = [Result(line, n, replace(drawn(GOOD), posts_lost=lost)) for n, lost in ((1, 0), (2, 1))]
    assert row(line, runs) == ["flaps", "0", "0 / 1", "0", "0", "0", "0.01 s"]


def test_a_line_on_a_machine_that_is_too_busy_is_not_trusted() -> None:
    """A late load generator measures the machine, not the balancer."""
    done = drawn(GOOD)
    assert untrustworthy(replace(done, late=LATE)) == ""
    assert untrustworthy(replace(done, late=0.3)) == "the load generator was 0.30 s late"


@pytest.mark.parametrize("layout", Layout)
def test_evenkeels_configuration_is_valid(layout: Layout) -> None:
    """The template is a good loadbalancer.toml once the addresses are filled in."""
    text = configuration(layout, TIMING).replace("$host", "a.test")
    text = text.replace("$first", "http://127.0.0.1:1").replace("$second", "http://127.0.0.1:2")
    assert not isinstance(from_toml(text), Invalid)


def test_requests_are_found_in_a_stream() -> None:
    """Requests with a length and with chunks are found one after the other."""
    post = b"POST /a HTTP/1.1\r\nX-Request-Id: 4\r\nContent-Length: 2\r\n\r\nok"
    chunked = b"POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert first_request(post + chunked) == (b"/a", b"POST", "4", len(post))
    assert first_request(chunked) == (b"/b", b"POST", "", len(chunked))
    assert first_request(post[:-1]) is None
    assert first_request(chunked[:-1]) is None
    assert first_request(b"GET / HTTP/1.1\r\n") is None


OUTCOMES = {
    Mode.FINE: "200",
    Mode.SICK: "200",
    Mode.SLOW: "200",
    Mode.REFUSE: NO_ANSWER,
    Mode.RESET: NO_ANSWER,
    Mode.ERROR_500: "500",
    Mode.ERROR_503: "503",
    Mode.ERROR_530: "530",
    Mode.CUT: CUT,
    Mode.GARBAGE: NO_ANSWER,
}


@pytest.mark.parametrize("mode", OUTCOMES)
def test_origins_do_what_they_are_told(mode: Mode) -> None:
    """The load generator records the outcome that a client would see."""

    async def outcome() -> tuple[str, str]:
        origin = Origin("one", 0.01)
        await origin.start()
        await origin.behave(mode)
        first = (await ask(origin.port, 5, 0.0, 0.0)).outcome
        await origin.heal()
        healed = (await ask(origin.port, 5, 0.0, 0.0)).outcome
        origin.stop()
        assert origin.posts["5"] == (1 if mode is Mode.REFUSE else 2)
        return first, healed

    assert asyncio.run(outcome()) == (OUTCOMES[mode], "200")


def test_requests_are_sent_when_they_are_due() -> None:
    """A slow origin does not slow the load down; one request in five is a POST."""
    timing = Timing(rate=50, before=0.1, fault=0.2, after=0.1)

    async def run() -> list[Record]:
        origin = Origin("one", 0.2)
        await origin.start()
        await origin.behave(Mode.SLOW)
        records: list[Record] = []
        await load(origin.port, timing.rate, timing.requests, time.monotonic(), records.append)
        origin.stop()
        return sorted(records)

    records = asyncio.run(run())
    assert [one.at for one in records] == pytest.approx([n / 50 for n in range(20)])
    assert {one.outcome for one in records} == {"200"}
    assert min(one.seconds for one in records) >= 0.3
    assert [method_of(n) for n in range(5)] == ["POST", *["GET"] * 4]
