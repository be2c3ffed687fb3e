"""Disabled origins and pools, maintenance, and sessions that are drained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config import Invalid, from_toml, parse
from lb.health.maintenance import borders
from lb.health.snapshot import Keeping, Snapshot, Standing
from lb.health.verdict import OriginHealth, Verdict
from lb.log_events import OriginEnabledChanged, PoolEnabledChanged
from lb.model import (
    Config,
    Ejection,
    Health,
    LoadBalancer,
    Pool,
    SessionAffinity,
    SessionAffinityAttributes,
    Window,
)
from lb.proxy.prepared import PreparedLoadBalancer
from lb.selection.affinity import CookieAffinity
from lb.selection.candidates import candidates
from lb.state.memory import Memory
from support.make import balancer_of, config_of, facts, monitor, origin, pool, scripted

if TYPE_CHECKING:
    from lb.model import Origin

NIGHT = (Window(start=100.0, end=200.0),)


def draining(*pools: Pool, seconds: int = 30) -> LoadBalancer:
    """Return a load balancer that keeps sessions by cookie and drains them."""
    return balancer_of(
        *pools,
        session_affinity=SessionAffinity.COOKIE,
        session_affinity_attributes=SessionAffinityAttributes(drain_duration=seconds),
    )


def tried(
    lb: LoadBalancer, now: float, pinned: Origin | None = None, memory: Memory | None = None
) -> str:
    """Return the names of the origins that a request may try, in order."""
    snapshot = (memory or Memory(config_of(lb))).snapshot(now)
    serving = PreparedLoadBalancer(lb, "id", "")
    found = candidates(serving, snapshot, facts(), scripted(0.0), pinned, None, [])
    return "".join(one.name for one, _ in found)


def standing(one: Origin, now: float, drain: float = 0.0) -> Standing:
    """Return the standing of an origin of unknown health."""
    return Snapshot({}, {}, now).standing(one, drain)


def test_an_origin_counts_as_disabled_in_its_window() -> None:
    """The start of a window is in it, its end is not."""
    one = origin("a", maintenance=NIGHT)

    assert [standing(one, now) for now in (99.9, 100.0, 199.9, 200.0)] == [
        Standing.AVAILABLE,
        Standing.MAINTENANCE,
        Standing.MAINTENANCE,
        Standing.AVAILABLE,
    ]


def test_a_disabled_origin_drains_from_disabled_at_on() -> None:
    """A drain lasts drain_duration seconds; without a known start it is over."""
    dated, undated = origin("a", enabled=False, disabled_at=50.0), origin("b", enabled=False)

    assert standing(dated, 79.9, 30) is Standing.DRAINING
    assert standing(dated, 80.0, 30) is Standing.DISABLED
    assert standing(dated, 60.0) is Standing.DISABLED
    assert standing(undated, 50.0, 30) is Standing.DISABLED
    assert standing(origin("c", disabled_at=50.0), 60.0, 30) is Standing.AVAILABLE


def test_drain_duration_keeps_sessions_and_takes_no_new_ones() -> None:
    """Cloudflare: "after origin disabled, existing sessions continue for N s, new ones do not"."""
    a, b = origin("a", maintenance=NIGHT), origin("b")
    lb = draining(pool("p", a, b))

    assert tried(lb, 99.0) == "ab"
    assert tried(lb, 100.0) == "b"
    assert tried(lb, 129.9, pinned=a) == "ab"
    assert tried(lb, 130.0, pinned=a) == "b"
    assert tried(lb, 200.0) == "ab"


def test_a_drained_origin_that_fails_loses_its_sessions() -> None:
    """A session does not stay on an origin that is down or ejected."""
    a = origin("a", maintenance=NIGHT)
    down = Snapshot({a.key: OriginHealth(health=Health.UNHEALTHY)}, {}, 110.0)

    assert down.standing(a, 30) is Standing.UNHEALTHY
    assert not down.keeps_session(pool("p", a), a, Keeping(30))


def test_a_pool_with_one_origin_drains_too() -> None:
    """New requests go to the next pool, sessions stay, also if the pool itself is disabled."""
    a = origin("a")
    for one in (
        pool("p", origin("a", maintenance=NIGHT)),
        pool("p", a, maintenance=NIGHT),
        pool("p", a, enabled=False, disabled_at=100.0),
    ):
        lb = draining(one, pool("q", "b"))
        assert tried(lb, 110.0) == "b"
        assert tried(lb, 110.0, pinned=one.origins[0]) == "ab"
        assert tried(lb, 130.0, pinned=one.origins[0]) == "b"


def test_draining_one_origin_moves_no_sessions_of_another() -> None:
    """An origin in maintenance does not count towards minimum_origins; a draining one does."""
    a, b = origin("a", maintenance=NIGHT), origin("b")
    lb = draining(pool("p", a, b, minimum_origins=2), pool("q", "c"))

    assert tried(lb, 110.0)[0] == "c"
    assert tried(lb, 110.0, pinned=b)[0] == "b"
    assert tried(lb, 140.0, pinned=b)[0] == "c"


def test_two_load_balancers_drain_the_same_origin_each_for_its_own_time() -> None:
    """drain_duration belongs to the load balancer, the window to the origin."""
    a = origin("a", maintenance=NIGHT)
    shared = pool("p", a, "b")
    long, short = draining(shared, seconds=60), draining(shared, seconds=5)
    memory = Memory(config_of(long, short))

    assert tried(long, 110.0, a, memory) == "ab"
    assert tried(short, 110.0, a, memory) == "b"


def test_weight_0_drains_for_ever() -> None:
    """Cloudflare: an origin of weight 0 gets no new traffic and keeps its sessions."""
    a = origin("a", weight=0)
    lb = draining(pool("p", a, "b"), seconds=0)

    assert tried(lb, 10.0)[0] == "b"
    assert tried(lb, 1e9, pinned=a)[0] == "a"


def test_nothing_that_is_switched_off_is_a_last_resort() -> None:
    """Not even a draining pool takes new traffic."""
    a = origin("a", maintenance=NIGHT)
    lb = draining(pool("p", a), pool("q", "b", maintenance=NIGHT), pool("r", "c", enabled=False))

    assert tried(lb, 110.0) == ""
    assert tried(lb, 210.0) == "ab"


def test_a_snapshot_ends_where_time_switches_something() -> None:
    """Borders are a window's start, the end of its drain, and its end."""
    lb = draining(pool("p", origin("a", maintenance=NIGHT), "b"))
    memory = Memory(config_of(lb))

    assert borders(config_of(lb)) == (100.0, 130.0, 200.0)
    assert [memory.snapshot(now).valid_until for now in (1.0, 100.0, 130.0, 200.0)] == [
        100.0,
        130.0,
        200.0,
        float("inf"),
    ]


def test_without_maintenance_there_is_nothing_to_look_at() -> None:
    """A configuration without maintenance has no borders."""
    lb = draining(pool("p", "a", origin("b", enabled=False)))

    assert borders(config_of(lb)) == ()
    assert Memory(config_of(lb)).snapshot(1.0).valid_until == float("inf")


def test_an_origin_in_maintenance_is_not_probed() -> None:
    """An origin in maintenance is not probed; it is probed at once when the window ends."""
    watching = monitor(interval=60)
    lb = balancer_of(pool("p", origin("a", maintenance=NIGHT), "b", monitor=watching))
    memory = Memory(config_of(lb))

    def probed(now: float) -> str:
        due = memory.due(now)
        for one, _ in due:
            memory.observe(one, watching, Verdict(passed=True), now)
        return "".join(one.name for one, _ in due)

    assert probed(90.0) == "ab"
    assert probed(151.0) == "b"
    assert probed(200.0) == "a"
    assert probed(211.0) == "b"


def test_a_window_is_told_when_it_begins_and_when_it_ends() -> None:
    """Each switch of an origin or a pool is logged once."""
    lb = balancer_of(
        pool("p", origin("a", maintenance=NIGHT), "b"),
        pool("q", "c", maintenance=(Window(start=150.0, end=160.0),)),
    )
    memory = Memory(config_of(lb))
    told = {}
    for now in (90.0, 100.0, 101.0, 150.0, 200.0, 300.0):
        memory.snapshot(now)
        told[now] = memory.take_news()

    def a(*, enabled: bool, reason: str) -> OriginEnabledChanged:
        return OriginEnabledChanged(pool="p", origin="a", enabled=enabled, reason=reason)

    assert told[90.0] == told[101.0] == told[300.0] == []
    assert told[100.0] == [a(enabled=False, reason="maintenance")]
    assert told[150.0] == [PoolEnabledChanged(pool="q", enabled=False, reason="maintenance")]
    assert told[200.0] == [
        a(enabled=True, reason=""),
        PoolEnabledChanged(pool="q", enabled=True, reason=""),
    ]


def test_after_maintenance_an_origin_starts_slowly() -> None:
    """slow_start applies after maintenance, as the origin was probably restarted."""
    of = pool("p", origin("a", maintenance=NIGHT), "b")
    memory = Memory(config_of(balancer_of(of, ejection=Ejection(slow_start=10))))

    assert memory.snapshot(99.0).view(of).weights == (1.0, 1.0)
    assert memory.snapshot(200.0).view(of).weights == (0.1, 1.0)
    assert memory.snapshot(210.0).view(of).weights == (1.0, 1.0)


def test_the_cookie_of_a_drained_origin_is_still_read() -> None:
    """A session's cookie outlives the window."""
    lb = draining(pool("p", origin("a", maintenance=NIGHT), "b"))
    affinity = CookieAffinity(lb, "")
    cookie = affinity.cookie(lb.default_pools[0].origins[0], https=False).partition(";")[0]

    assert affinity.pinned(facts(cookie=cookie)) == lb.default_pools[0].origins[0]


CONFIGURED = """
[[pools]]
name = "p"
disabled_at = "2026-12-01T00:00:00Z"
maintenance = [{ from = "2026-12-01T23:00:00+01:00", to = 2026-12-01T22:00:02.5Z }]
origins = [
  { name = "a", address = "a.example.com", maintenance = [
    { from = 2026-12-01T22:00:00Z, to = 2026-12-02T00:00:00+02:00 },
    { from = 2026-12-01 17:00:00-05:00, to = 2026-12-02T00:00:00Z },
  ] },
]
[[load_balancers]]
name = "*"
default_pools = ["p"]
fallback_pool = "p"
session_affinity_attributes = { drain_duration = 90 }
"""
AT = 1_796_162_400.0
"""2026-12-01T22:00:00Z"""


def test_moments_are_text_or_tomls_own() -> None:
    """RFC 3339 with any offset, and TOML's offset date-time."""
    refused = from_toml(CONFIGURED)
    assert isinstance(refused, Invalid)
    assert [str(problem) for problem in refused.problems] == [
        "must be later than from @ $.pools[0].origins[0].maintenance[0].to"
    ]

    parsed = from_toml(CONFIGURED.replace("2026-12-02T00:00:00+02:00", "2026-12-02T01:00:00+02:00"))
    assert isinstance(parsed, Config)
    (one,) = parsed.pools
    assert one.maintenance == (Window(start=AT, end=AT + 2.5),)
    assert one.disabled_at == AT - 22 * 3600
    assert one.origins[0].maintenance == (
        Window(start=AT, end=AT + 3600),
        Window(start=AT, end=AT + 7200),
    )
    assert parsed.load_balancers[0].session_affinity_attributes.drain_duration == 90


def test_what_is_no_moment_is_refused_with_its_place() -> None:
    """TOML's local times are refused too."""
    for wrong in ("2026-12-01T22:00:00", "2026-12-01", "22:00:00", '"soon"', "5", "true"):
        refused = from_toml(CONFIGURED.replace('"2026-12-01T00:00:00Z"', wrong))
        assert isinstance(refused, Invalid), wrong
        assert "$.pools[0].disabled_at" in {problem.path for problem in refused.problems}, wrong


def test_a_window_needs_both_ends() -> None:
    """Each problem is reported."""
    origins = [{"name": "a", "address": "a.example.com", "maintenance": [{"from": "x"}]}]
    refused = parse({"pools": [{"name": "p", "origins": origins}]})

    assert isinstance(refused, Invalid)
    assert {problem.path.rpartition(".")[2] for problem in refused.problems} == {"from", "to"}


def test_an_origin_is_on_while_its_pool_is_on_too() -> None:
    """Disabling or maintenance of either switches the origin off."""
    resting, off = origin("resting", "p", maintenance=NIGHT), origin("off", "p", enabled=False)
    one = pool("p", "a", resting, off)
    closed = pool("p", "a", enabled=False)
    at_night = pool("p", "a", maintenance=NIGHT)

    by_day, by_night = Snapshot({}, {}, 50.0), Snapshot({}, {}, 150.0)

    assert [by_day.is_on(one, each) for each in one.origins] == [True, True, False]
    assert [by_night.is_on(one, each) for each in one.origins] == [True, False, False]
    assert not by_day.is_on(closed, closed.origins[0])
    assert not by_night.is_on(at_night, at_night.origins[0])
