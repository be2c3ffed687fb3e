"""Passive health: length of ejections, origins that are never ejected, and slow start."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from lb.config import Invalid, parse
from lb.health.ejection import FORGIVEN_EVERY
from lb.health.snapshot import Standing
from lb.health.verdict import Verdict
from lb.log_events import LastOriginKept, OriginEjected
from lb.model import Config, Ejection, LoadBalancer, Origin, OriginSteeringPolicy, Pool
from lb.proxy.prepared import PreparedLoadBalancer
from lb.request.outcomes import Evidence, Judgement
from lb.selection.candidates import candidates
from lb.selection.origin_steering import by_hash
from lb.state.memory import MOST_REPORTS, Memory
from support.make import balancer_of, config_of, facts, monitor, origin, pool, record, scripted

FAILED, FINE = (
    Judgement(failed=True, cause="connection failed", evidence=Evidence.CONNECTION),
    Judgement(failed=False, evidence=Evidence.GOOD),
)
POOL = pool("p", "a", "b")
A, B = POOL.origins


class Scene:
    """An isolate's memory, and requests with scripted outcomes."""

    def __init__(self, lb: LoadBalancer) -> None:
        self.lb = lb
        self.memory = Memory(config_of(lb))

    def fails(self, one: str, now: float, started: float | None = None) -> object:
        """Let a request fail at an origin."""
        return self._record(one, FAILED, now, now if started is None else started)

    def answers(self, one: str, now: float) -> object:
        """Let a request be answered by an origin."""
        return self._record(one, FINE, now, now)

    def standing(self, one: str, now: float) -> Standing:
        return self.memory.snapshot(now).standing(self._origin(one))

    def tried(self, now: float) -> str:
        """Return the names of the origins that a request tries when all of them fail."""
        serving = PreparedLoadBalancer(self.lb, "id", "")
        snapshot = self.memory.snapshot(now)
        found = candidates(serving, snapshot, facts(), scripted(0.0), None, None, [])
        return "".join(one.name for one, _ in found)

    def _record(self, one: str, judgement: Judgement, now: float, started: float) -> object:
        return record(self.memory, self.lb, self._origin(one), judgement, started, now)

    def _origin(self, name: str) -> Origin:
        return next(o for p in self.lb.pools for o in p.origins if o.name == name)


def seconds(event: object) -> float:
    """Return how long an ejection lasts."""
    assert isinstance(event, OriginEjected), event
    return event.seconds


def test_an_ejection_in_a_row_lasts_longer_than_the_one_before() -> None:
    """base_time x ejections in a row, as Envoy's; capped by max_time."""
    scene, now, lasted = (
        Scene(balancer_of(POOL, ejection=Ejection(base_time=30, max_time=100))),
        0.0,
        [],
    )
    for _ in range(6):
        lasted.append(seconds(scene.fails("a", now)))
        now += lasted[-1]

    assert lasted == [30, 60, 90, 100, 100, 100]


def test_the_count_is_forgiven_while_the_origin_is_good() -> None:
    """One ejection for every ten seconds without one, as Envoy's sweep does."""
    scene = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    scene.fails("a", 0.0)
    scene.fails("a", 30.0)  # out until 90

    assert seconds(scene.fails("a", 90.0 + FORGIVEN_EVERY)) == 60

    later = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    later.fails("a", 0.0)
    later.fails("a", 30.0)
    later.answers("a", 91.0)
    assert seconds(later.fails("a", 90.0 + 2 * FORGIVEN_EVERY)) == 30


def test_a_success_alone_does_not_forgive() -> None:
    """An origin that answers once and fails again is out for longer."""
    scene = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    scene.fails("a", 0.0)
    scene.answers("a", 31.0)

    assert seconds(scene.fails("a", 32.0)) == 60


def test_one_outage_is_one_ejection() -> None:
    """Requests under way before it change nothing; later ones that fail prolong it."""
    scene = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    scene.fails("a", 10.0)

    assert scene.fails("a", 20.0, started=9.0) is None
    assert scene.standing("a", 40.0) is Standing.AVAILABLE

    scene.fails("a", 45.0)  # the second in a row: until 105
    assert scene.fails("a", 60.0, started=55.0) is None
    assert scene.standing("a", 119.0) is Standing.EJECTED
    assert scene.standing("a", 120.0) is Standing.AVAILABLE


def test_a_long_base_time_is_its_own_cap() -> None:
    """Where max_time is not given: 300 or base_time, whichever is larger, as in Envoy."""
    document = {
        "pools": [{"name": "p", "origins": [{"name": "a", "address": "a.example.com"}]}],
        "load_balancers": [
            {
                "name": "*",
                "default_pools": ["p"],
                "fallback_pool": "p",
                "ejection": {"base_time": 600},
            }
        ],
    }
    parsed = parse(document)
    assert isinstance(parsed, Config)
    assert parsed.load_balancers[0].ejection.max_time == 600

    document["load_balancers"][0]["ejection"] = {"base_time": 600, "max_time": 60}  # type: ignore[index]
    refused = parse(document)
    assert isinstance(refused, Invalid)
    assert refused.problems[0].path == "$.load_balancers[0].ejection.max_time"


@pytest.mark.parametrize(
    "lb",
    [balancer_of(POOL), balancer_of(pool("one", "a"), pool("two", "b"))],
    ids=["one pool", "two pools"],
)
def test_the_last_available_origin_is_never_ejected(lb: LoadBalancer) -> None:
    """It is still tried first, which is logged once; the ejected one comes after it."""
    scene = Scene(lb)

    assert isinstance(scene.fails("a", 1.0), OriginEjected)
    assert isinstance(scene.fails("b", 1.0), LastOriginKept)
    assert scene.fails("b", 2.0) is None
    assert scene.standing("b", 2.0) is Standing.AVAILABLE
    assert scene.tried(2.0) == "ba"


def test_it_is_told_again_after_it_was_good() -> None:
    """Another outage is logged anew."""
    scene = Scene(balancer_of(pool("p", "a")))
    scene.fails("a", 1.0)
    scene.answers("a", 2.0)

    assert isinstance(scene.fails("a", 3.0), LastOriginKept)


def test_it_is_ejected_once_another_is_back() -> None:
    """Its failures up to then count."""
    scene = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    scene.fails("a", 1.0)
    scene.fails("b", 2.0)
    scene.answers("a", 3.0)

    assert isinstance(scene.fails("b", 4.0), OriginEjected)
    assert scene.tried(4.0) == "ab"


def test_an_origin_that_is_down_by_its_monitor_is_no_other_one() -> None:
    """Nor is a disabled origin."""
    watched = pool("q", "b", monitor=monitor())
    scene = Scene(balancer_of(pool("p", "a"), watched, pool("r", origin("c", "r", enabled=False))))
    scene.memory.observe(watched.origins[0], monitor(), Verdict(passed=False), 1.0)

    assert isinstance(scene.fails("a", 2.0), LastOriginKept)


def test_an_origin_that_is_down_by_its_monitor_is_not_the_last_available() -> None:
    """Nothing but its monitor's verdict is logged."""
    watched = pool("p", "a", monitor=monitor())
    scene = Scene(balancer_of(watched))
    scene.memory.observe(watched.origins[0], monitor(), Verdict(passed=False), 1.0)

    assert scene.fails("a", 2.0) is None


def test_failures_are_kept_as_reports() -> None:
    """The latest ones, for the Durable Object; each is taken once."""
    scene = Scene(balancer_of(POOL))
    for now in range(MOST_REPORTS + 5):
        scene.fails("a", float(now))
    scene.answers("a", 500.0)

    reports = scene.memory.take_reports()
    assert len(reports) == MOST_REPORTS
    assert (reports[-1].pool, reports[-1].origin) == ("p", "a")
    assert (reports[-1].cause, reports[-1].at) == ("connection failed", MOST_REPORTS + 4.0)
    assert scene.memory.take_reports() == []


def slow(of: Pool = POOL, start: float = 100) -> Scene:
    """Return a scene with slow start in which `a` was ejected at 0 for 30 seconds."""
    scene = Scene(balancer_of(of, ejection=Ejection(base_time=30, slow_start=start)))
    scene.fails("a", 0.0)
    return scene


def test_an_origin_comes_back_slowly() -> None:
    """Its weight grows from a tenth to all of it, in ten steps over slow_start seconds."""
    scene = slow()

    shares = {
        now: scene.memory.snapshot(now).view(POOL).weights for now in (30, 45, 50, 85, 129, 130)
    }

    assert shares == {
        30: (0.1, 1.0),
        45: (0.1, 1.0),
        50: (0.2, 1.0),
        85: (0.5, 1.0),
        129: (0.9, 1.0),
        130: (1.0, 1.0),
    }


def test_slow_start_makes_a_snapshot_a_step_at_most() -> None:
    """Requests between two steps share a snapshot, so that the cost of a request stays flat."""
    scene = slow()
    seen = [scene.memory.snapshot(30 + tick / 10) for tick in range(2000)]

    assert len({id(each) for each in seen}) == 10
    assert seen[0] is seen[199]
    assert seen[199] is not seen[200]
    assert scene.memory.snapshot(5000.0).valid_until == float("inf")


def test_without_slow_start_an_origin_has_its_share_at_once() -> None:
    """Slow start is off by default, as in HAProxy, nginx and Envoy."""
    scene = Scene(balancer_of(POOL, ejection=Ejection(base_time=30)))
    scene.fails("a", 0.0)

    assert scene.memory.snapshot(30.0).view(POOL).weights == (1.0, 1.0)
    assert scene.memory.snapshot(30.0).valid_until == float("inf")


def test_slow_start_never_keeps_a_lone_origin_from_serving() -> None:
    """A share is one of the pool's requests, and a lone origin gets them all."""
    lone = pool("p", "a")
    scene = Scene(balancer_of(lone, pool("q", "b"), ejection=Ejection(base_time=30, slow_start=60)))
    scene.fails("a", 0.0)

    assert scene.memory.snapshot(31.0).view(lone).weights == (1.0,)
    assert scene.tried(31.0) == "ab"


def test_recovery_by_probes_starts_slowly_and_a_first_verdict_does_not() -> None:
    """A change from UNHEALTHY is a return, one from UNKNOWN is not."""
    watching = monitor()
    of = pool("p", "a", "b", monitor=watching)
    scene = Scene(balancer_of(of, ejection=Ejection(slow_start=100)))
    weights = []
    for now, passed in ((10.0, True), (20.0, False), (30.0, True)):
        scene.memory.observe(of.origins[0], watching, Verdict(passed=passed), now)
        weights.append(scene.memory.snapshot(now).view(of).weights)

    assert weights == [(1.0, 1.0), (1.0,), (0.1, 1.0)]
    assert scene.memory.snapshot(131.0).view(of).weights == (1.0, 1.0)


def test_slow_start_moves_only_the_clients_that_the_share_implies() -> None:
    """With hash steering, only the returning origin's clients come over as its share grows."""
    names = [f"o{number}" for number in range(4)]
    of = pool("p", *names, origin_steering=OriginSteeringPolicy.HASH)
    scene = Scene(balancer_of(of, ejection=Ejection(base_time=30, slow_start=100)))
    scene.fails("o0", 0.0)
    clients = [f"198.51.100.{number}" for number in range(250)]

    def homes(now: float) -> dict[str, str]:
        view = scene.memory.snapshot(now).view(of)
        return {
            ip: next(iter(by_hash(view, facts(cf_connecting_ip=ip), scripted(0.5)))).name
            for ip in clients
        }

    moments = [homes(now) for now in (29.0, 30.0, 80.0, 130.0)]
    for before, after in pairwise(moments):
        moved = {after[ip] for ip in clients if before[ip] != after[ip]}
        assert moved <= {"o0"}
    counts = [Counter(each.values())["o0"] for each in moments]
    assert counts[0] == 0
    assert 0 < counts[1] < counts[2] < counts[3]
    assert 2 <= counts[1] <= 18  # 0.1 of 3.1 is 3 %
    assert 45 <= counts[3] <= 85  # a quarter
