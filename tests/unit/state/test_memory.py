"""An isolate's own state: ejections, due probes, the snapshot."""

from __future__ import annotations

from lb.health.snapshot import Standing
from lb.health.verdict import Verdict
from lb.log_events import OriginEjected, OriginRestored
from lb.model import Ejection, LoadBalancer
from lb.request.outcomes import Evidence, Judgement
from lb.state.memory import LEASE, MOST_PROBES_AT_ONCE, PAUSE, Memory
from support.make import balancer_of, config_of, monitor, origin, pool, record

FAILED = Judgement(failed=True, cause="connection failed", evidence=Evidence.CONNECTION)
FINE = Judgement(failed=False, evidence=Evidence.GOOD)
POOL = pool("p", "a", "b", "c", "d")
A, B, C, D = POOL.origins


def lb_with(**ejection: float) -> LoadBalancer:
    """Return a load balancer over POOL with these ejection settings."""
    return balancer_of(POOL, ejection=Ejection(**ejection))  # type: ignore[arg-type] # whole numbers are given where they are due


def standings(memory: Memory, now: float) -> list[Standing]:
    """Return the standing of each of the pool's origins."""
    return [memory.snapshot(now).standing(one) for one in POOL.origins]


def test_a_failure_takes_an_origin_out_for_base_time() -> None:
    """One failure ejects by default, and the ejection ends by itself."""
    lb = lb_with(base_time=30)
    memory = Memory(config_of(lb))

    event = record(memory, lb, A, FAILED, 10.0, 10.5)

    assert event == OriginEjected(
        load_balancer="*", pool="p", origin="a", cause="connection failed", seconds=30
    )
    assert standings(memory, 40.4)[0] is Standing.EJECTED
    assert standings(memory, 40.5)[0] is Standing.AVAILABLE


def test_only_failures_in_a_row_eject() -> None:
    """A good answer in between starts the count again."""
    lb = lb_with(consecutive_failures=2)
    memory = Memory(config_of(lb))

    for now, judgement in enumerate((FAILED, FINE, FAILED)):
        assert record(memory, lb, A, judgement, now, now) is None
    assert standings(memory, 3.0)[0] is Standing.AVAILABLE
    assert isinstance(record(memory, lb, A, FAILED, 3.0, 3.0), OriginEjected)


def test_the_clients_own_failures_do_not_count() -> None:
    """A client that leaves says nothing about the health of the origin."""
    lb = lb_with()
    memory = Memory(config_of(lb))

    assert record(memory, lb, A, Judgement(failed=True), 1.0, 1.0) is None
    assert standings(memory, 1.0)[0] is Standing.AVAILABLE


def test_no_base_time_means_no_ejection() -> None:
    """A base time of 0 disables ejection, even for a request whose clock is a little behind."""
    lb = lb_with(base_time=0)
    memory = Memory(config_of(lb))

    assert record(memory, lb, A, FAILED, 1.0, 1.0) is None
    assert standings(memory, 1.0)[0] is Standing.AVAILABLE
    assert standings(memory, 0.999)[0] is Standing.AVAILABLE


def test_at_most_max_percent_of_a_pool_is_out_at_once() -> None:
    """At most half of four origins are ejected, and one may always be, as in Envoy."""
    for percent, out in ((50, 2), (1, 1), (100, 4)):
        ejection = Ejection(max_percent=percent)
        lb = balancer_of(POOL, pool("other", "z"), ejection=ejection)
        memory = Memory(config_of(lb))
        for one in POOL.origins:
            record(memory, lb, one, FAILED, 1.0, 1.0)

        assert standings(memory, 1.0).count(Standing.EJECTED) == out


def test_an_ejected_origin_that_answers_is_taken_back() -> None:
    """A good response to an attempt after the ejection ends it early."""
    lb = lb_with()
    memory = Memory(config_of(lb))
    record(memory, lb, A, FAILED, 1.0, 2.0)

    assert record(memory, lb, A, FINE, 1.5, 3.0) is None  # Sent before the ejection.
    assert standings(memory, 3.0)[0] is Standing.EJECTED
    assert record(memory, lb, A, FINE, 3.0, 4.0) == OriginRestored(
        load_balancer="*", pool="p", origin="a"
    )
    assert standings(memory, 4.0)[0] is Standing.AVAILABLE


def test_a_second_failure_while_ejected_prolongs_it_without_an_event() -> None:
    """A second failure while ejected prolongs the ejection without a second event."""
    lb = lb_with(base_time=30)
    memory = Memory(config_of(lb))
    record(memory, lb, A, FAILED, 1.0, 1.0)

    assert record(memory, lb, A, FAILED, 20.0, 20.0) is None
    assert standings(memory, 49.0)[0] is Standing.EJECTED


def test_a_snapshot_is_made_only_when_something_changed() -> None:
    """A snapshot is shared by requests until health changes or an ejection ends."""
    lb = lb_with(base_time=30)
    memory = Memory(config_of(lb))
    first = memory.snapshot(1.0)
    record(memory, lb, A, FINE, 1.0, 1.0)

    assert memory.snapshot(2.0) is first
    record(memory, lb, A, FAILED, 2.0, 2.0)
    second = memory.snapshot(2.0)
    assert second is not first
    assert memory.snapshot(31.9) is second
    assert memory.snapshot(32.0) is not second


def watched(count: int, interval: int = 30) -> Memory:
    """Return the memory of a configuration with this many monitored origins."""
    names = [f"o{number}" for number in range(count)]
    return Memory(config_of(balancer_of(pool("p", *names, monitor=monitor(interval=interval)))))


def test_a_probe_is_due_once_an_interval() -> None:
    """A probe is due at the start and an interval after the last one began, not while one runs."""
    memory = watched(2)

    due = memory.due(100.0)
    assert [one.name for one, _ in due] == ["o0", "o1"]
    assert memory.due(101.0) == []

    for one, watching in due:
        memory.observe(one, watching, Verdict(passed=True), 102.0)
    assert memory.due(129.9) == []
    assert len(memory.due(130.0)) == 2


def test_a_probe_that_took_longer_than_its_interval_is_due_at_once() -> None:
    """A probe that took longer than its interval is due at its end, never beside another one."""
    memory = watched(1, interval=10)
    ((one, watching),) = memory.due(100.0)

    assert memory.due(112.0) == []
    memory.observe(one, watching, Verdict(passed=False), 112.0)
    assert len(memory.due(112.0)) == 1


def test_a_probe_without_a_verdict_counts_as_lost() -> None:
    """The runtime may drop background work; a later request probes again."""
    memory = watched(1)
    memory.due(100.0)

    assert memory.due(100.0 + LEASE - 1) == []
    assert len(memory.due(100.0 + LEASE)) == 1


def test_many_origins_are_probed_in_turns() -> None:
    """Requests that came at once all started probes, and then waited for them.

    One response has room for a limited number of probes behind it; a later one takes the rest.
    """
    memory = watched(MOST_PROBES_AT_ONCE + 5)

    first, at_once, second = memory.due(1.0), memory.due(1.0), memory.due(1.0 + PAUSE)

    assert (len(first), len(at_once), len(second)) == (MOST_PROBES_AT_ONCE, 0, 5)
    assert memory.due(1.0 + PAUSE) == []
    assert not {one.name for one, _ in first} & {one.name for one, _ in second}


def test_only_what_can_serve_is_probed() -> None:
    """Origins that are disabled, unmonitored, or in an unused pool are not probed."""
    watching = monitor()
    used = pool("p", "a", origin("off", "p", enabled=False), monitor=watching)
    asleep = pool("q", "b", monitor=watching, enabled=False)
    memory = Memory(config_of(balancer_of(used, asleep, pool("r", "c"))))

    assert [one.name for one, _ in memory.due(1.0)] == ["a"]
    assert Memory(config_of(balancer_of(pool("r", "c")))).due(1.0) == []


def test_another_configuration_goes_on_with_what_is_known() -> None:
    """Origins that stay in the next configuration keep their state; open requests count in both."""
    lb = lb_with(base_time=30)
    before = Memory(config_of(lb))
    record(before, lb, A, FAILED, 10.0, 10.0)
    ticket = before.in_flight.begin(B.key, 10.0, 5.0)

    after = Memory(config_of(balancer_of(pool("p", "a", "b", "c", "d"))), before)

    assert standings(after, 20.0)[0] is Standing.EJECTED
    assert after.in_flight.outstanding(B.key) == 1
    before.in_flight.end(B.key, ticket)
    assert after.in_flight.outstanding(B.key) == 0
    assert len(after.take_reports()) == 1


def test_an_origin_that_has_moved_is_a_new_one() -> None:
    """An origin with a new address starts without any state."""
    lb = lb_with(base_time=30)
    before = Memory(config_of(lb))
    record(before, lb, A, FAILED, 10.0, 10.0)
    moved = origin("a", url="https://moved.example.com")

    after = Memory(config_of(balancer_of(pool("p", moved, "b"))), before)

    assert after.snapshot(20.0).standing(moved) is Standing.AVAILABLE
