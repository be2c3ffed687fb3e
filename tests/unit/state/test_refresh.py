"""When an isolate refreshes the shared view, and from where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.health.verdict import OriginHealth
from lb.model import Health
from lb.state.kv import KV_REFRESH
from lb.state.pull import NO_HEALTH, PulledHealth
from lb.state.refresh import FIRST_ROUND, GAP, LEASE, SOONEST, Home, Refresh, home_of
from lb.state.shared_view import SharedHealth

KEY = ("p", "a")
UP = OriginHealth(health=Health.HEALTHY, checked=90.0)
VIEW = SharedHealth(version=7, fingerprint="f", probed=99.0, origins={KEY: UP})
PULLED = PulledHealth(view=VIEW)


def refreshing(home: Home = Home.OBJECT) -> Refresh:
    """Return the schedule of an isolate that refreshes every 30 seconds."""
    return Refresh("f", home, 30)


@pytest.mark.parametrize(
    ("bindings", "home"),
    [
        ([], Home.MEMORY),
        (["ORIGINS"], Home.MEMORY),
        (["LB_KV"], Home.KV),
        (["LB_KV", "LB_STATE"], Home.OBJECT),
        (["LB_STATE"], Home.OBJECT),
    ],
)
def test_the_bindings_say_where_state_is_kept(bindings: list[str], home: Home) -> None:
    """A Durable Object comes before KV; without both, nothing is shared."""
    assert home_of(bindings, watches=True) is home


def test_kv_is_not_used_where_nothing_is_watched() -> None:
    """KV is not used without monitors because it holds health alone, unlike the object."""
    assert home_of(["LB_KV"], watches=False) is Home.MEMORY
    assert home_of(["LB_STATE"], watches=False) is Home.OBJECT


def test_the_first_request_starts_a_refresh() -> None:
    """The first request starts a refresh, and no second one starts meanwhile."""
    isolate = refreshing()

    assert isolate.due(100.0)
    assert isolate.under_way(100.1)
    assert not isolate.due(100.1)


def test_a_refresh_is_due_again_after_its_interval() -> None:
    """A refresh is due again an interval after the answer."""
    isolate = refreshing()
    isolate.due(100.0)
    isolate.take(PULLED, 101.0)

    assert not isolate.under_way(101.0)
    assert not isolate.due(130.9)
    assert isolate.due(131.0)


def test_a_refresh_that_never_ended_counts_as_lost() -> None:
    """After the lease, the next response replaces a refresh that the runtime dropped."""
    isolate = refreshing()
    isolate.due(100.0)

    assert not isolate.due(100.0 + LEASE - 0.1)
    assert isolate.due(100.0 + LEASE)


def test_without_a_shared_home_nothing_is_ever_due() -> None:
    """Without a shared home no refresh is ever due, not even after a failure."""
    isolate = refreshing(Home.MEMORY)
    isolate.hurry(100.0)

    assert not isolate.due(1e9)
    assert not isolate.under_way(1e9)


def test_kv_is_not_read_more_often_than_its_copies_change() -> None:
    """KV is not read more often than a data centre renews its cached copy."""
    isolate = refreshing(Home.KV)
    isolate.due(100.0)
    isolate.take(NO_HEALTH, 100.0)

    assert not isolate.due(100.0 + KV_REFRESH - 0.1)
    assert isolate.due(100.0 + KV_REFRESH)


def test_a_failure_of_its_own_is_reported_at_once() -> None:
    """An own failure is reported before the interval has passed, and the next one after a gap."""
    isolate = refreshing()
    isolate.due(100.0)
    isolate.take(PULLED, 100.0)

    isolate.hurry(110.0)
    assert isolate.due(110.0)
    isolate.take(PULLED, 110.0)
    isolate.hurry(110.2)
    assert not isolate.due(110.2)
    assert isolate.due(110.0 + 2 * GAP)


def test_an_outage_does_not_use_up_the_days_requests() -> None:
    """Gaps grow up to the usual interval while failures are reported all the time."""
    isolate = refreshing()
    asked = []
    for tenth in range(6000):
        now = 100.0 + tenth / 10
        isolate.hurry(now)
        if isolate.due(now):
            asked.append(now)
            isolate.take(PULLED, now)

    assert len(asked) < 600 / 30 + 5


def test_a_failure_during_a_refresh_waits_for_the_next_one() -> None:
    """A failure during a refresh is reported by the next refresh."""
    isolate = refreshing()
    isolate.due(100.0)
    isolate.hurry(100.5)

    assert not isolate.due(100.6)
    isolate.take(PULLED, 101.0)
    assert isolate.due(100.5 + GAP)


def test_an_object_that_has_just_been_made_is_asked_again_soon() -> None:
    """A new object is asked again soon because its first round of probes takes a few seconds."""
    isolate = refreshing()
    isolate.due(100.0)
    isolate.take(PulledHealth(view=replace(VIEW, probed=0.0, origins={})), 100.0)

    assert isolate.due(100.0 + FIRST_ROUND)


def test_a_known_version_is_answered_with_a_time_alone() -> None:
    """A known version is answered with the time of the latest round alone; the view stays."""
    isolate = refreshing()
    isolate.take(PULLED, 100.0)

    assert isolate.take(PulledHealth(probed=129.5), 130.0) == replace(VIEW, probed=129.5)


@pytest.mark.parametrize(
    "answer", [NO_HEALTH, PulledHealth(view=replace(VIEW, fingerprint="other"))]
)
def test_no_usable_answer_leaves_the_isolate_to_itself(answer: PulledHealth) -> None:
    """A view of another configuration is not usable: the same names may be other origins."""
    isolate = refreshing()
    isolate.due(100.0)

    assert isolate.take(answer, 100.0) is None
    assert not isolate.due(129.9)
    assert isolate.due(130.0)


def test_a_time_without_a_view_is_not_usable() -> None:
    """A time without a view is not usable because this isolate never had its view."""
    assert refreshing().take(PulledHealth(probed=129.5), 130.0) is None


def pulled(isolate: Refresh, now: float, answer: PulledHealth) -> float:
    """Return the seconds from an answer until the next pull."""
    isolate.take(answer, now)
    return next(tenth / 10 for tenth in range(2000) if isolate.due(now + tenth / 10 + 1e-6))


def test_an_answer_says_when_to_ask_again() -> None:
    """The Durable Object knows when its next verdicts are due."""
    isolate = refreshing()

    assert pulled(isolate, 100.0, replace(PULLED, again=24.0)) == 24.0
    assert pulled(isolate, 200.0, PulledHealth(probed=199.0, again=45.0)) == 45.0
    assert pulled(isolate, 300.0, PulledHealth(probed=299.0)) == 30.0


@pytest.mark.parametrize("again", [-1e9, -1.0, 0.0, 0.01])
def test_an_isolate_does_not_ask_again_at_once(again: float) -> None:
    """A time in the past is the soonest one."""
    assert pulled(refreshing(), 100.0, replace(PULLED, again=again)) == SOONEST


def test_an_isolate_does_not_wait_for_ever() -> None:
    """Twice its own time is the longest wait."""
    assert pulled(refreshing(), 100.0, replace(PULLED, again=1e9)) == 60.0


def test_early_pulls_that_bring_no_news_come_less_and_less_often() -> None:
    """The wait doubles up to most of the usual interval, and begins anew after news."""
    isolate = refreshing()
    isolate.take(PULLED, 0.0)
    soon = PulledHealth(probed=99.0, again=0.5)

    waits = [pulled(isolate, 100.0 * number, soon) for number in range(1, 8)]

    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 22.5, 22.5]
    changed = PulledHealth(view=replace(VIEW, version=8), again=0.5)
    assert [pulled(isolate, 1000.0, one) for one in (changed, soon)] == [1.0, 2.0]
    pulled(isolate, 2000.0, PulledHealth(probed=99.0, again=30.0))
    assert pulled(isolate, 3000.0, soon) == 1.0


def test_a_view_of_another_configuration_does_not_say_when_to_ask_again() -> None:
    """Its origins and monitors are others."""
    other = PulledHealth(view=replace(VIEW, fingerprint="other"), again=2.0)

    assert pulled(refreshing(), 100.0, other) == 30.0
