"""Monitor groups: which monitors a round asks, and how they vote."""

from __future__ import annotations

from typing import Any

import pytest

from lb.config import Invalid, parse
from lb.health.groups import due_part, member_changes, together
from lb.health.machine import observe
from lb.health.rounds import Rounds
from lb.health.verdict import OriginHealth, Verdict
from lb.model import (
    Config,
    Health,
    LoadBalancer,
    Member,
    Monitor,
    MonitorGroup,
    MonitorType,
    Region,
)
from lb.object.failure_reports import FailureReports
from lb.probing.region_votes import (
    decided,
    question_from_json,
    question_to_json,
    votes_from_json,
    votes_to_json,
)
from lb.state.shared_view import health_from_row, health_to_row
from lb.state.trust import fresh_for
from support.make import balancer_of, config_of, origin, pool
from support.state import World

UP, DOWN, NEVER = Health.HEALTHY, Health.UNHEALTHY, Health.UNKNOWN
PASSED, FAILED = Verdict(passed=True), Verdict(passed=False, cause="HTTP timeout occurred")
ORIGIN = origin("a")


def check(name: str, path: str = "/", interval: int = 60) -> Monitor:
    """Return a monitor without thresholds."""
    return Monitor(name=name, type=MonitorType.HTTPS, path=path, interval=interval)


def group_of(*members: Member | str) -> MonitorGroup:
    """Return a group; a member may be given by its name alone."""
    made = (
        one if isinstance(one, Member) else Member(monitor=check(one, f"/{one}")) for one in members
    )
    return MonitorGroup(name="g", members=tuple(made))


def member(name: str, **fields: bool) -> Member:
    """Return a member with these flags."""
    return Member(monitor=check(name, f"/{name}"), **fields)


def after(group: MonitorGroup, **said: bool) -> OriginHealth:
    """Return an origin's health after one round with these verdicts."""
    votes = {name: PASSED if passed else FAILED for name, passed in said.items()}
    verdict = together(votes)
    assert verdict is not None
    return observe(ORIGIN, group, OriginHealth(), verdict, 0.0)[0]


@pytest.mark.parametrize(
    ("said", "health"),
    [
        ({"a": True, "b": True, "c": True}, UP),
        ({"a": False, "b": True, "c": True}, UP),
        ({"a": False, "b": False, "c": True}, DOWN),
        ({"a": True, "b": False}, UP),
        ({"a": False, "b": False}, DOWN),
        ({"a": False}, NEVER),
    ],
)
def test_more_than_half_of_those_that_vote_decide(said: dict[str, bool], health: Health) -> None:
    """Cloudflare: unhealthy only if more than half of the voting monitors fail."""
    assert after(group_of("a", "b", "c"), **said).health is health


def test_half_is_not_more_than_half() -> None:
    """Two failures of four leave an origin up."""
    four = group_of("a", "b", "c", "d")

    assert after(four, a=False, b=False, c=True, d=True).health is UP
    assert after(four, a=False, b=False, c=False, d=True).health is DOWN


def test_one_that_must_be_healthy_decides_alone() -> None:
    """Cloudflare: one failing must_be_healthy monitor makes the origin unhealthy."""
    group = group_of(member("login", must_be_healthy=True), "a", "b", "c")
    known = after(group, login=False, a=True, b=True, c=True)

    assert (known.health, known.cause) == (DOWN, "HTTP timeout occurred")
    assert after(group, login=True, a=False, b=True, c=True).health is UP


def test_who_only_watches_has_no_vote() -> None:
    """Cloudflare: monitoring_only probes and notifies without a vote, must_be_healthy or not."""
    group = group_of(member("new", monitoring_only=True, must_be_healthy=True), "a")
    known = after(group, new=False, a=True)

    assert known.health is UP
    assert [(one.monitor, one.after) for one in member_changes(ORIGIN, OriginHealth(), known)] == [
        ("new", DOWN),
        ("a", UP),
    ]


def test_who_is_not_enabled_is_not_asked() -> None:
    """Cloudflare: a disabled member does not probe."""
    group = group_of(member("off", enabled=False), "a", "b")
    world = World(config_of(balancer_of(pool("p", "a", monitor_group=group))))

    world.run_until(0)

    assert len(world.probes) == 2
    assert after(group, a=False, b=False).health is DOWN


def test_latency_is_the_mean_of_those_that_vote() -> None:
    """Cloudflare: the latency is the mean of enabled voting monitors."""
    group = group_of("a", "b", member("c", monitoring_only=True))
    votes = {
        name: Verdict(passed=True, latencies=(("WEU", seconds),))
        for name, seconds in (("a", 0.1), ("b", 0.3), ("c", 9.0))
    }
    verdict = together(votes)
    assert verdict is not None

    known = observe(ORIGIN, group, OriginHealth(), verdict, 0.0)[0]

    assert known.latency_from(Region.WEU) == pytest.approx(0.2)


def test_each_result_is_valid_for_its_own_interval() -> None:
    """Cloudflare: a result holds for its own interval; only monitors that are due are asked."""
    often, seldom = check("often", "/o", interval=10), check("seldom", "/s", interval=30)
    group = MonitorGroup(name="g", members=(Member(monitor=often), Member(monitor=seldom)))
    known, asked = OriginHealth(), []
    for now in range(0, 70, 10):
        watch = due_part(group, known, float(now))
        assert isinstance(watch, MonitorGroup)
        asked.append(sorted(watch.asked))
        # A probe takes a while: its interval counts from when it began.
        said = together(
            {name: Verdict(passed=name == "often", duration=4.0) for name in watch.asked}
        )
        assert said is not None
        known = observe(ORIGIN, watch, known, said, now + 4.0)[0]
        assert dict(known.members)["seldom"].health is DOWN

    both, one = ["often", "seldom"], ["often"]
    assert asked == [both, one, one, both, one, one, both]
    assert group.interval == 10
    # Two rounds, what the slowest probe takes with its retries, and the time to look.
    lb: LoadBalancer = balancer_of(pool("p", "a", monitor_group=group))
    assert fresh_for(config_of(lb)) == 2 * 10 + 5 * 3 + 2 * 10


def test_each_monitor_has_its_own_thresholds() -> None:
    """A vote is the health by the monitor's own thresholds."""
    slow = Monitor(name="slow", type=MonitorType.HTTPS, consecutive_down=2)
    group = MonitorGroup(name="g", members=(Member(monitor=slow),))
    known = after(group, slow=False)
    assert known.health is NEVER
    again = together({"slow": FAILED})
    assert again is not None

    known, change = observe(ORIGIN, group, known, again, 60.0)

    assert known.health is DOWN
    assert change is not None
    assert change.cause == "HTTP timeout occurred"


def test_what_a_group_knows_survives_its_text() -> None:
    """It is in the shared view and in the stored row."""
    known = after(group_of("a", "b"), a=False, b=True)

    assert known.members
    assert health_from_row(health_to_row(known)) == known


def test_the_keeper_asks_every_monitor_and_logs_who_changed() -> None:
    """Both monitors see an origin that is down; the log names the monitors that changed."""
    config = config_of(balancer_of(pool("p", "a", "b", monitor_group=group_of("x", "y"))))
    world = World(config)
    world.down = {"a"}

    world.run_until(0)

    assert sorted(world.probes) == [(0, "a"), (0, "a"), (0, "b"), (0, "b")]
    assert world.health() == {"a": DOWN, "b": UP}
    changed = [one for one in world.log if one.event == "monitor_changed"]
    assert len(changed) == 4
    assert len([one for one in world.log if one.event == "health_changed"]) == 2


def came_to(group: MonitorGroup, *rounds: dict[str, bool]) -> list[bool]:
    """Return whether each of these rounds passed, given the verdicts of its monitors."""
    made = Rounds(
        config_of(balancer_of(pool("p", "a", monitor_group=group))), FailureReports(), most=9
    )
    found = []
    for said in rounds:
        votes = {name: PASSED if passed else FAILED for name, passed in said.items()}
        verdict = together(votes)
        assert verdict is not None
        found.append(made.observe(ORIGIN, group, verdict, 0.0).verdict.passed)
    return found


def test_a_round_passes_by_the_groups_vote() -> None:
    """A round counted as failed when any monitor failed, even one without a vote.

    So evenkeel_probes_total showed failures of an origin that was healthy all the time.
    """
    watching = group_of(member("new", monitoring_only=True), "a", "b")
    strict = group_of(member("login", must_be_healthy=True), "a", "b")

    assert came_to(watching, {"new": False, "a": True, "b": True}) == [True]
    assert came_to(watching, {"new": True, "a": True, "b": False}) == [True]
    assert came_to(watching, {"new": True, "a": False, "b": False}) == [False]
    assert came_to(strict, {"login": False, "a": True, "b": True}) == [False]


def test_who_is_not_asked_in_a_round_votes_with_its_last_result() -> None:
    """A result holds for its monitor's interval."""
    group = group_of("a", "b", "c")
    every = {"a": True, "b": False, "c": True}

    assert came_to(group, every, {"a": False}, {"a": True}) == [True, False, True]
    assert came_to(group, {"a": False}) == [True]


def test_a_verdict_counts_at_once_whatever_the_thresholds() -> None:
    """Thresholds apply to health, not to rounds, as with a single monitor."""
    slow = Monitor(name="slow", type=MonitorType.HTTPS, consecutive_down=3, consecutive_up=3)
    group = MonitorGroup(name="g", members=(Member(monitor=slow),))

    assert came_to(group, {"slow": True}, {"slow": False}, {"slow": True}) == [True, False, True]


def test_an_alarm_sends_no_more_probes_than_it_may() -> None:
    """Three of four origins with four monitors each are probed in the first alarm."""
    group = group_of("w", "x", "y", "z")
    world = World(config_of(balancer_of(pool("p", "a", "b", "c", "d", monitor_group=group))))
    counts: list[int] = []

    world.run_until(0, between=lambda: counts.append(len(world.probes)))

    assert counts[:2] == [12, 16]


def test_regions_decide_for_each_monitor_then_monitors_vote() -> None:
    """Two of three regions see the first of two monitors fail, which is half of the vote."""
    group = group_of("a", "b")
    bad = together({"a": FAILED, "b": Verdict(passed=True, latencies=(("", 0.5),))})
    good = together({"a": PASSED, "b": PASSED})
    assert bad is not None
    assert good is not None
    verdict = decided(group, {Region.WEU: bad, Region.OC: bad, Region.ME: good})

    assert verdict is not None
    assert {name: one.passed for name, one in verdict.members} == {"a": False, "b": True}
    assert dict(verdict.members)["b"].latencies == (("WEU", 0.5), ("OC", 0.5))
    assert observe(ORIGIN, group, OriginHealth(), verdict, 0.0)[0].health is UP
    assert decided(group, {}) is None


def test_questions_to_regions_name_the_monitors() -> None:
    """Answers name them too, with the time of each."""
    config = config_of(balancer_of(pool("p", "a", monitor_group=group_of("x", "y"))))
    watch = MonitorGroup(name="g", asked=frozenset({"y"}))
    ((asked, found),) = question_from_json(question_to_json([(ORIGIN, watch)]), config)
    said = together({"y": Verdict(passed=True, latencies=(("", 0.25),)), "x": FAILED})
    assert said is not None
    votes = {("p", "a"): said}

    assert asked.key == ("p", "a")
    assert isinstance(found, MonitorGroup)
    assert found.asked == {"y"}
    assert [one.name for one in found.monitors] == ["x", "y"]
    assert votes_from_json(votes_to_json(votes)) == votes


DOCUMENT: dict[str, Any] = {
    "monitors": [{"name": "web"}, {"name": "login", "path": "/login"}],
    "monitor_groups": [
        {
            "id": "both",
            "description": "web and login",
            "members": [
                {
                    "monitor_id": name,
                    "enabled": True,
                    "monitoring_only": False,
                    "must_be_healthy": name == "login",
                }
                for name in ("web", "login")
            ],
        }
    ],
    "pools": [
        {
            "name": "p",
            "monitor_group": "both",
            "origins": [{"name": "a", "address": "a.example.com"}],
        }
    ],
    "load_balancers": [{"name": "*", "default_pools": ["p"], "fallback_pool": "p"}],
}


def problems(**changes: object) -> list[str]:
    """Return the problems of the document with its group or its pool changed."""
    group, one = dict(DOCUMENT["monitor_groups"][0]), dict(DOCUMENT["pools"][0])
    for key, value in changes.items():
        (one if key.startswith("monitor") else group)[key] = value
    found = parse({**DOCUMENT, "monitor_groups": [group], "pools": [one]})
    return [str(each) for each in found.problems] if isinstance(found, Invalid) else []


def test_a_group_is_configured_in_cloudflares_words() -> None:
    """A group names its monitors."""
    config = parse(DOCUMENT)

    assert isinstance(config, Config)
    (found,) = config.pools
    assert found.monitor_group is config.monitor_groups[0]
    assert [one.monitor.name for one in found.monitor_group.members] == ["web", "login"]
    assert [one.must_be_healthy for one in found.monitor_group.members] == [False, True]


def test_mistakes_in_a_group_are_reported() -> None:
    """Each problem has its path."""
    (web, login) = DOCUMENT["monitor_groups"][0]["members"]
    at = "$.monitor_groups[0].members"

    assert problems(members=[web, web]) == [f"names a monitor twice @ {at}"]
    assert problems(members=[{**web, "monitoring_only": True}]) == [
        f"no member is enabled and has a vote @ {at}"
    ]
    assert problems(members=[{**login, "monitor_id": "logn"}]) == [
        f'there is no monitor named "logn"; did you mean "login"? @ {at}[0].monitor_id'
    ]
    assert problems(monitor="web") == [
        "cannot be given together with monitor @ $.pools[0].monitor_group"
    ]
    assert problems(monitor_group="bth") == [
        'there is no monitor group named "bth"; did you mean "both"? @ $.pools[0].monitor_group'
    ]


CACHED = Verdict(passed=False, conclusive=False, cause="cached")


def rounds_of(*rounds: dict[str, Verdict]) -> OriginHealth:
    """Return an origin's health after these rounds of two monitors."""
    health, group = OriginHealth(), group_of("a", "b")
    for now, votes in enumerate(rounds):
        verdict = together(votes)
        assert verdict is not None
        health, _ = observe(ORIGIN, group, health, verdict, float(now))
    return health


def test_a_monitor_with_an_inconclusive_verdict_keeps_its_vote() -> None:
    """A cached answer for one monitor neither clears its failure nor adds one."""
    assert rounds_of({"a": FAILED, "b": FAILED}, {"a": CACHED, "b": CACHED}).health is DOWN
    assert rounds_of({"a": PASSED, "b": FAILED}, {"a": CACHED, "b": FAILED}).health is UP
    assert rounds_of({"a": FAILED, "b": PASSED}, {"a": CACHED, "b": FAILED}).health is DOWN


def test_a_group_without_a_verdict_says_why() -> None:
    """An origin whose monitors only ever get cached answers stays unknown."""
    known = rounds_of({"a": CACHED, "b": CACHED})

    assert (known.health, known.cause) == (NEVER, "cached")


def test_a_group_is_inconclusive_if_all_of_its_monitors_are() -> None:
    """One verdict makes a round."""
    both, one = together({"a": CACHED, "b": CACHED}), together({"a": CACHED, "b": PASSED})

    assert both is not None
    assert one is not None
    assert (both.conclusive, one.conclusive) == (False, True)
