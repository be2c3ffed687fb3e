"""The fault schedule: which requests count as lost, and which bounds were broken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lb.config import Invalid, from_toml
from measure.common.breaking_origin import ANSWERS, STATUS, Mode, Origin, first_request
from measure.common.open_loop import (
    CUT,
    LEFT,
    NO_ANSWER,
    POST_EVERY,
    Clients,
    Record,
    Visitors,
    ask,
    load,
    message,
)
from measure.common.servers import Server
from measure.faults import schedule
from measure.faults.__main__ import chosen
from measure.faults.account import Account, Observed, account
from measure.faults.bounds import ALLOWANCE, BOUNDS, LATE, broken, untrustworthy
from measure.faults.model import Layout, Needs, Timing
from measure.faults.peers import PEERS, configuration
from measure.faults.report import row, tables, violations
from measure.faults.run import SESSIONS, Line, Result, break_origins, disturb
from measure.faults.schedule import FAULTS, Fault

TIMING = Timing(rate=10, before=1.0, fault=2.0, after=1.0, first_byte_timeout=0.1)
GOOD = Record(0.0, "GET", "200", 0.01, "one")
EVENKEEL = PEERS[0]


def drawn(
    *records: Record, posts: tuple[dict[str, int], ...] = (), beside: tuple[Record, ...] = ()
) -> Account:
    """Return the account of these records."""
    observed = Observed(records=records, posts=[Counter(one) for one in posts], beside=beside)
    return account(observed, TIMING, "two")


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


def test_requests_stray_that_leave_the_origin_of_their_session() -> None:
    """The last answer before the fault says which one it is; what follows the fault is no loss."""
    home = GOOD._replace(client=1)
    there, back = home._replace(at=1.5, origin="two"), home._replace(at=1.6)
    assert drawn(home, there, back).strayed == 1
    assert drawn(home, there._replace(client=2), there._replace(client=-1)).strayed == 0
    assert drawn(home, there._replace(outcome="503"), there._replace(at=3.0)).strayed == 0
    assert drawn(home._replace(outcome="503"), there).strayed == 0
    # Two first requests at once: the client keeps the cookie of the answer that comes later.
    late = home._replace(origin="two", seconds=0.9)
    assert drawn(late, home, there).strayed == 0
    assert drawn(late._replace(seconds=1.1), home, there).strayed == 1


def test_a_disturbance_has_an_account_of_its_own() -> None:
    """Its requests may fail; those whose clients left are not lost."""
    failed = GOOD._replace(method="POST", outcome="503", seconds=9.0, at=3.0)
    done = drawn(GOOD, beside=(failed, failed._replace(outcome=LEFT), GOOD))
    assert replace(done, beside_sent=0, beside_lost=0, beside_outcomes={}) == drawn(GOOD)
    assert (done.beside_sent, done.beside_lost) == (3, 1)
    assert done.beside_outcomes == {"503": 1, LEFT: 1, "200": 1}


def test_every_fault_has_bounds_and_every_mode_an_answer() -> None:
    """The tables of faults and modes are total."""
    assert set(BOUNDS) == set(FAULTS)
    assert set(ANSWERS) == set(Mode)
    replies = {answer for mode, answer in ANSWERS.items() if mode in STATUS}
    assert {mode for mode, answer in ANSWERS.items() if answer in replies} == set(STATUS)
    assert all(bounds.reason for bounds in BOUNDS.values())
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_bounds_need_what_their_fault_has(fault: Fault) -> None:
    """Only sessions stray, only a disturbance loses requests, and one time-out needs a deadline."""
    bounds = BOUNDS[fault]
    assert (bounds.strayed is not None) == fault.needs.sessions
    assert bounds.beside_lost is None or fault.beside is not None
    assert (bounds.timeouts == 1) == fault.needs.one_timeout
    assert SESSIONS % POST_EVERY, "each client sends POSTs"


def test_faults_behind_the_edge_are_for_workers() -> None:
    """No cache lies between the other balancers and their origins."""
    lines = chosen(["cached answers", "active-passive"], [])
    assert [line.peer.name for line in lines] == ["Evenkeel", "reference, JavaScript"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_broken_bound_has_a_sentence(fault: Fault) -> None:
    """An account that keeps all bounds has none."""
    fine = kept(fault)
    assert list(broken(fault, fine, TIMING)) == []

    bounds = BOUNDS[fault]
    bad = replace(fine, replayed=1, lost_after=2, slowest=9.0, posts_lost=99, gets_lost=99)
    bad = replace(bad, strayed=99, beside_lost=1)
    sentences = list(broken(fault, bad, TIMING))
    assert "1 POSTs reached origins more than once, at most 0 are allowed" in sentences
    assert (
        "2 requests were lost after the origins had recovered, at most 0 are allowed" in sentences
    )
    most = bounds.timeouts * 0.1 + ALLOWANCE
    assert f"the slowest request took 9.00 s, at most {most:.2f} s are allowed" in sentences
    assert any("POSTs were lost" in line for line in sentences) == (bounds.posts_lost is not None)
    assert any("GETs were lost" in line for line in sentences) == (bounds.gets_lost is not None)
    assert any("left the origin" in line for line in sentences) == fault.needs.sessions
    assert any("disturbance" in line for line in sentences) == (bounds.beside_lost is not None)


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
    assert row(line, runs) == ["flaps", "0", "0 / 1", "0", "0", "0", "", "", "0.01 s"]


def test_a_disturbance_is_shown_beside_the_requests_that_strayed() -> None:
    """The row has its lost requests and all of them."""
    line = Line(EVENKEEL, Layout.PASSIVE, schedule.SLOW_POST)
    done = replace(drawn(GOOD, beside=(GOOD, GOOD._replace(outcome="503"))), strayed=3)
    assert row(line, [Result(line, 1, done)])[-3:] == ["3", "1 of 2", "0.01 s"]


def test_a_line_on_a_machine_that_is_too_busy_is_not_trusted() -> None:
    """A late load generator measures the machine, not the balancer."""
    done = drawn(GOOD)
    assert untrustworthy(replace(done, late=LATE)) == ""
    assert untrustworthy(replace(done, late=0.3)) == "the load generator was 0.30 s late"


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("fault", FAULTS)
def test_evenkeels_configuration_is_valid(layout: Layout, fault: Fault) -> None:
    """The template is a good loadbalancer.toml once the addresses are filled in."""
    text = configuration(layout, TIMING, fault.needs).replace("$host", "a.test")
    text = text.replace("$first", "http://127.0.0.1:1").replace("$second", "http://127.0.0.1:2")
    config = from_toml(text)
    assert not isinstance(config, Invalid)
    (lb,) = config.load_balancers
    assert (lb.failover.deadline == 0.5) == fault.needs.one_timeout
    origins = [origin for pool in lb.pools for origin in pool.origins]
    assert [one.max_requests for one in origins] == [fault.needs.max_requests] * 2


def test_servers_have_the_same_limits_and_sessions() -> None:
    """Equal settings: the most requests under way, and what keeps a client on its origin."""
    needs = Needs(max_requests=50, sessions=True)

    def text(name: str, layout: Layout, needs: Needs) -> str:
        (peer,) = (peer for peer in PEERS if peer.name == name)
        server = peer.configured(layout, TIMING, needs)
        assert isinstance(server, Server)
        return server.configured(Path("/run"), 8080, 9001, 9002)

    for name, limit, sessions in (
        ("nginx", "max_conns=50", "hash $http_cf_connecting_ip"),
        ("HAProxy", "maxconn 50", "cookie lb insert"),
        ("Caddy", "unhealthy_request_count 50", "lb_policy cookie lb"),
    ):
        assert limit in text(name, Layout.ACTIVE, needs)
        assert sessions in text(name, Layout.ACTIVE, needs)
        assert sessions not in text(name, Layout.PASSIVE, needs)
        assert limit not in text(name, Layout.ACTIVE, Needs())


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
    Mode.CUT_SMALL: CUT,
    Mode.CACHED: "200",
    Mode.GARBAGE: NO_ANSWER,
}


@pytest.mark.parametrize("mode", OUTCOMES)
def test_origins_do_what_they_are_told(mode: Mode) -> None:
    """The load generator records the outcome that a client would see."""

    async def outcome() -> tuple[str, str]:
        origin = Origin("one", 0.01)
        await origin.start()
        await origin.behave(mode)
        first = (await ask(Visitors(origin.port, 0.0), 5, 0.0)).outcome
        await origin.heal()
        healed = (await ask(Visitors(origin.port, 0.0), 5, 0.0)).outcome
        origin.stop()
        assert origin.posts["/orders/5"] == (1 if mode is Mode.REFUSE else 2)
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
        visitors = Visitors(origin.port, time.monotonic())
        await load(visitors, timing.rate, timing.requests, records.append)
        origin.stop()
        return sorted(records)

    records = asyncio.run(run())
    assert [one.at for one in records] == pytest.approx([n / 50 for n in range(20)])
    assert {one.outcome for one in records} == {"200"}
    assert min(one.seconds for one in records) >= 0.3
    assert [Clients().method(n) for n in range(5)] == ["POST", *["GET"] * 4]
    assert Clients(post_every=0).method(0) == "GET"


def test_paths_and_the_health_path_have_modes_of_their_own() -> None:
    """A path that is named precedes what the origin does; the health path may differ too."""
    origin = Origin("one", 0.1)
    origin.mode, origin.paths = Mode.RESET, {b"/static": Mode.CACHED}
    assert origin.mode_of(b"/static/1") is Mode.CACHED
    assert origin.mode_of(b"/health") is origin.mode_of(b"/orders/1") is Mode.RESET
    origin.mode = Mode.SICK
    assert (origin.mode_of(b"/health"), origin.mode_of(b"/")) == (Mode.ERROR_503, Mode.SICK)
    origin.mode = Mode.CUT_SMALL
    assert (origin.mode_of(b"/health"), origin.mode_of(b"/")) == (Mode.FINE, Mode.CUT_SMALL)


def test_a_slow_upload_is_sent_in_parts() -> None:
    """The first part has the head; what is announced and missing is in the length alone."""
    whole = b"".join(message(Clients(), 5))
    assert len(message(Clients(), 5)) == 1
    slow = message(Clients(upload=1.0), 5)
    assert (len(slow), b"".join(slow)) == (6, whole)
    (missing,) = message(Clients(missing=97), 5)
    assert missing == whole.replace(b"Content-Length: 12", b"Content-Length: 109")


def test_a_client_of_a_session_keeps_its_cookie_and_address() -> None:
    """Others send no cookie, and have many addresses."""
    clients = Clients(sessions=3)
    assert [clients.client(n) for n in range(4)] == [0, 1, 2, 0]
    (request,) = message(clients, 4, "lb=x")
    assert b"\r\nCookie: lb=x\r\n" in request
    assert b"CF-Connecting-IP: 203.0.113.2\r\n" in request
    (request,) = message(Clients(), 4)
    assert b"Cookie" not in request
    assert b"CF-Connecting-IP: 203.0.113.5\r\n" in request


@pytest.mark.parametrize("leaves", [0.05, None])
def test_a_client_leaves_when_it_is_meant_to(leaves: float | None) -> None:
    """The balancer sees a reset; the request is not lost, but left."""

    async def outcome() -> tuple[str, int]:
        origin = Origin("one", 0.1)
        await origin.start()
        await origin.behave(Mode.SLOW)
        record = await ask(Visitors(origin.port, 0.0, Clients(leaves=leaves)), 1, 0.0)
        await asyncio.sleep(0.05)
        left = len(origin.connections)
        origin.stop()
        return record.outcome, left

    assert asyncio.run(outcome()) == (LEFT if leaves else "200", 0)


def test_a_disturbance_lasts_as_long_as_its_fault() -> None:
    """Paths fail on both origins meanwhile, and are well afterwards; no other fault has records."""

    async def run() -> tuple[list[Record], list[Record]]:
        origins = [Origin(name, 0.1) for name in ("one", "two")]
        for origin in origins:
            await origin.start()
        timing = Timing(rate=50, before=0.1, fault=0.5, after=0.1)
        started = time.monotonic()
        breaking = asyncio.create_task(
            break_origins(schedule.URL_ANSWERS_503, origins, timing, started)
        )
        disturbed = await disturb(schedule.URL_ANSWERS_503, origins[1].port, timing, started)
        await breaking
        assert [origin.paths for origin in origins] == [{}, {}]
        none = await disturb(schedule.FLAPS, origins[1].port, timing, started)
        for origin in origins:
            origin.stop()
        return disturbed, none

    disturbed, none = asyncio.run(run())
    assert (len(disturbed), none) == (5, [])
    assert [one.outcome for one in disturbed[1:]] == ["503"] * 4
    assert schedule.SLOW_UPLOADS.beside is not None
    assert schedule.SLOW_UPLOADS.beside.requests(Timing()) == 66
