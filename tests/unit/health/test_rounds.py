"""Rounds of probes: who is due when, in which order, and what verdicts change."""

from __future__ import annotations

from math import inf

from lb.health.rounds import Leases, Rounds
from lb.health.verdict import Verdict
from lb.model import Config, Health, Member, Monitor, MonitorGroup, Origin, SteeringPolicy, Window
from support.make import balancer_of, config_of, monitor, origin, pool

PASSED, FAILED = Verdict(passed=True), Verdict(passed=False, cause="HTTP timeout occurred")


class Every:
    """A pace by the monitor's interval alone; takes note of what is sent."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, float]] = []

    def wait(self, key: tuple[str, str], interval: float) -> float:
        """Return the interval."""
        del key
        return interval

    def sent(self, key: tuple[str, str], interval: float) -> None:
        """Take note."""
        self.noted.append((key[1], interval))


def watched(*origins: str | Origin, interval: int = 30) -> Config:
    """Return a configuration of one pool with these origins."""
    return config_of(balancer_of(pool("p", *origins, monitor=monitor(interval=interval))))


def rounds(config: Config, *, most: int = 10, together: float = 0.0) -> Rounds:
    """Return the rounds of a configuration."""
    return Rounds(config, Every(), most=most, together=together)


def asked(made: Rounds, now: float) -> list[str]:
    """Return the names of the origins that a round probes."""
    return [one.name for one, _ in made.due(now)]


def test_an_origin_is_due_at_once_and_then_once_an_interval() -> None:
    """The interval counts from the start of a probe."""
    made = rounds(watched("a", "b"))

    assert made.next_at(100.0) == 0.0
    assert asked(made, 100.0) == ["a", "b"]
    assert made.next_at(100.0) == 130.0
    assert asked(made, 129.9) == []
    assert asked(made, 130.0) == ["a", "b"]


def test_every_probe_is_noted_in_the_pace() -> None:
    """With the interval of its monitor."""
    pace = Every()
    made = Rounds(watched("a", "b", interval=60), pace, most=1)

    made.due(0.0)

    assert pace.noted == [("a", 60)]


def test_those_that_waited_longest_are_probed_first() -> None:
    """In an isolate, origins beyond the first twenty were never probed.

    Rounds went by the order of the configuration: where an interval was over before the next
    request came, the first origins were due again and took all places.
    """
    made = rounds(watched("a", "b", "c", interval=10), most=2)

    assert [asked(made, now) for now in (0.0, 10.0, 20.0)] == [["a", "b"], ["c", "a"], ["b", "a"]]


def test_what_is_due_soon_joins_a_round() -> None:
    """Each round of the Durable Object is a row to write."""
    config = watched("a", "b")
    made, exact = rounds(config, together=0.5), rounds(config)
    for each in (made, exact):
        each.asked = {("p", "a"): 0.0, ("p", "b"): 0.5}

    assert asked(made, 30.0) == ["a", "b"]
    assert asked(exact, 30.0) == ["a"]


def test_an_origin_in_maintenance_is_not_due() -> None:
    """Nor is one whose pool is; the end of the maintenance is a time of its own."""
    night = (Window(start=50.0, end=80.0),)
    made = rounds(watched("a", origin("b", "p", maintenance=night)))

    assert asked(made, 40.0) == ["a", "b"]
    assert asked(made, 75.0) == ["a"]
    assert made.next_at(75.0) == 105.0
    assert made.next_border(75.0) == 80.0
    assert asked(made, 80.0) == ["b"]
    assert made.next_border(80.0) == inf
    closed = pool("p", "a", monitor=monitor(), maintenance=night)
    assert rounds(config_of(balancer_of(closed))).next_at(60.0) == inf


def test_nothing_to_watch_is_never_due() -> None:
    """A pool without a monitor, a disabled origin, a disabled pool."""
    bare = pool("bare", "a")
    off = pool("off", origin("b", "off", enabled=False), monitor=monitor())
    closed = pool("closed", "c", monitor=monitor(), enabled=False)
    made = rounds(config_of(balancer_of(bare, off, closed)))

    assert asked(made, 0.0) == []
    assert made.next_at(0.0) == inf


def test_a_lease_stands_in_for_the_interval_while_a_probe_is_under_way() -> None:
    """A probe that was lost is sent again when its lease is over."""
    leases = Leases(30.0)
    leases.sent(("p", "a"), 300.0)

    assert leases.wait(("p", "a"), 300.0) == 30.0
    assert leases.wait(("p", "b"), 300.0) == 300.0
    assert leases.ended(("p", "a"))
    assert not leases.ended(("p", "a"))
    assert leases.wait(("p", "a"), 300.0) == 300.0


def test_another_configuration_takes_over_what_is_known_of_the_same_origins() -> None:
    """Health and schedule; of the others nothing is known."""
    before = rounds(watched("a", "b"))
    for one, watch in before.due(100.0):
        before.observe(one, watch, PASSED, 101.0)
    after = rounds(watched("a", "b"))

    after.take_over(before, [("p", "a"), ("p", "new")])

    assert after.health == {("p", "a"): before.health["p", "a"]}
    assert asked(after, 110.0) == ["b"]


def test_a_verdict_changes_the_health_and_says_what_changed() -> None:
    """The event names every load balancer that uses the pool."""
    one = pool("p", "a", monitor=monitor())
    made = rounds(config_of(balancer_of(one, name="x"), balancer_of(one, name="y")))
    ((a, watch),) = made.due(0.0)

    seen = made.observe(a, watch, FAILED, 1.0)

    assert made.health[a.key] is seen.after
    assert (seen.before.health, seen.after.health) == (Health.UNKNOWN, Health.UNHEALTHY)
    assert seen.health is not None
    assert seen.health.load_balancer == "x, y"
    assert made.observe(a, watch, FAILED, 2.0).health is None


def test_changes_of_a_groups_monitors_name_their_load_balancers() -> None:
    """An isolate that probed for itself logged monitor_changed with no load balancer."""
    group = MonitorGroup(name="g", members=(Member(monitor=Monitor(name="x")),))
    made = rounds(config_of(balancer_of(pool("p", "a", monitor_group=group), name="lb")))
    ((a, watch),) = made.due(0.0)

    seen = made.observe(a, watch, Verdict(passed=False, members=(("x", FAILED),)), 1.0)

    assert [(one.monitor, one.load_balancer) for one in seen.monitors] == [("x", "lb")]


def test_latencies_are_kept_where_steering_uses_them() -> None:
    """Elsewhere they would make every snapshot anew."""
    timed = Verdict(passed=True, latencies=(("", 0.2),))
    one = pool("p", "a", monitor=monitor())
    quick = balancer_of(one, steering_policy=SteeringPolicy.DYNAMIC_LATENCY)

    for lb, kept in ((balancer_of(one), ()), (quick, (("", 0.2),))):
        made = rounds(config_of(lb))
        ((a, watch),) = made.due(0.0)
        assert made.observe(a, watch, timed, 1.0).after.latencies == kept


def test_a_shifted_origin_joins_the_rounds_of_its_interval_again() -> None:
    """A report shifted an origin's probes for good: one more alarm for every interval since."""
    made = rounds(watched("a", "b", "c", interval=30), together=0.5)
    made.due(100.0)
    made.asked["p", "a"] = 105.0  # probed in between

    assert sorted(asked(made, 130.0)) == ["a", "b", "c"]
    assert made.next_at(130.0) == 160.0


def test_an_origin_that_was_just_probed_does_not_join_a_round() -> None:
    """No origin is probed twice within half of its interval."""
    made = rounds(watched("a", "b", interval=30), together=0.5)
    made.due(100.0)
    made.asked["p", "a"] = 116.0

    assert asked(made, 130.0) == ["b"]
    assert sorted(asked(made, 146.0)) == ["a", "b"]


def test_only_origins_of_the_same_interval_join_a_round() -> None:
    """Monitors with other intervals keep to them."""
    quick = pool("p", "a", monitor=monitor(interval=10))
    slow = pool("q", "b", monitor=monitor(interval=30))
    made = rounds(config_of(balancer_of(quick, slow)), together=0.5)
    made.due(100.0)

    assert asked(made, 110.0) == ["a"]
    assert asked(made, 120.0) == ["a"]


def test_origins_that_one_round_had_no_room_for_do_not_bring_the_others_back() -> None:
    """With more origins than a round probes, each is still probed once an interval."""
    names = [f"o{number}" for number in range(5)]
    made = rounds(watched(*names), most=3, together=0.5)

    assert asked(made, 100.0) == ["o0", "o1", "o2"]
    assert asked(made, 101.0) == ["o3", "o4"]
    assert made.next_at(101.0) == 130.0


def test_a_verdict_is_expected_after_the_time_of_the_one_before() -> None:
    """The next change counts from the expected verdict, also while a probe is under way."""
    config = watched("a")
    made = rounds(config)
    (origin_, watch) = made.watched["p", "a"]
    made.due(100.0)
    made.observe(origin_, watch, PASSED, 102.0)

    assert [one.verdict for one in made.next_changes(110.0)] == [132.0]
    assert [one.verdict for one in made.next_changes(135.0)] == [137.0]  # the round is late
    made.due(140.0)
    assert [one.verdict for one in made.next_changes(141.0)] == [142.0]
    assert [one.verdict for one in made.next_changes(150.0)] == [150.0]  # the probe is late
