"""When an isolate asks for the shared view, and what it makes of the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.health.verdict import OriginHealth
from lb.model import Health
from lb.state.kv import KV_REFRESH
from lb.state.pull import NO_HEALTH, PulledHealth
from lb.state.refresh import FIRST_ROUND, GAP, LEASE, Home, Refresh, home_of
from lb.state.shared_view import SharedHealth

KEY = ("p", "a")
UP = OriginHealth(health=Health.HEALTHY, checked=90.0)
VIEW = SharedHealth(version=7, fingerprint="f", probed=99.0, origins={KEY: UP})
PULLED = PulledHealth(view=VIEW)


def sharing(home: Home = Home.OBJECT) -> Refresh:
    """Return an isolate's side, which refreshes every 30 seconds."""
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
    """A Durable Object before KV, and without either each isolate is on its own."""
    assert home_of(bindings, watches=True) is home


def test_kv_is_not_used_where_nothing_is_watched() -> None:
    """It holds health alone; the object also holds what operators configure."""
    assert home_of(["LB_KV"], watches=False) is Home.MEMORY
    assert home_of(["LB_STATE"], watches=False) is Home.OBJECT


def test_the_first_request_starts_a_refresh() -> None:
    """And only one: what is under way is not started again."""
    isolate = sharing()

    assert isolate.due(100.0)
    assert isolate.under_way(100.1)
    assert not isolate.due(100.1)


def test_a_refresh_is_due_again_after_its_interval() -> None:
    """Counted from the answer."""
    isolate = sharing()
    isolate.due(100.0)
    isolate.take(PULLED, 101.0)

    assert not isolate.under_way(101.0)
    assert not isolate.due(130.9)
    assert isolate.due(131.0)


def test_a_refresh_that_never_ended_is_taken_for_lost() -> None:
    """The runtime ends background work; a time passes, and the next response starts it anew."""
    isolate = sharing()
    isolate.due(100.0)

    assert not isolate.due(100.0 + LEASE - 0.1)
    assert isolate.due(100.0 + LEASE)


def test_without_a_shared_home_nothing_is_ever_due() -> None:
    """Not even after a failure."""
    isolate = sharing(Home.MEMORY)
    isolate.hurry(100.0)

    assert not isolate.due(1e9)
    assert not isolate.under_way(1e9)


def test_kv_is_not_read_more_often_than_its_copies_change() -> None:
    """A data centre answers from its copy for that long."""
    isolate = sharing(Home.KV)
    isolate.due(100.0)
    isolate.take(NO_HEALTH, 100.0)

    assert not isolate.due(100.0 + KV_REFRESH - 0.1)
    assert isolate.due(100.0 + KV_REFRESH)


def test_a_failure_of_its_own_is_reported_at_once() -> None:
    """Without waiting for the interval, yet not in a stream."""
    isolate = sharing()
    isolate.due(100.0)
    isolate.take(PULLED, 100.0)

    isolate.hurry(110.0)
    assert isolate.due(110.0)
    isolate.take(PULLED, 110.0)
    isolate.hurry(110.2)
    assert not isolate.due(110.2)
    assert isolate.due(110.0 + 2 * GAP)


def test_an_outage_does_not_use_up_the_days_requests() -> None:
    """Whoever reports all the time soon asks no more often than everybody else."""
    isolate = sharing()
    asked = []
    for tenth in range(6000):
        now = 100.0 + tenth / 10
        isolate.hurry(now)
        if isolate.due(now):
            asked.append(now)
            isolate.take(PULLED, now)

    assert len(asked) < 600 / 30 + 5


def test_a_failure_during_a_refresh_waits_for_the_next_one() -> None:
    """Its report missed the question."""
    isolate = sharing()
    isolate.due(100.0)
    isolate.hurry(100.5)

    assert not isolate.due(100.6)
    isolate.take(PULLED, 101.0)
    assert isolate.due(100.5 + GAP)


def test_an_object_that_has_just_been_made_is_asked_again_soon() -> None:
    """Its first round of probes is under way."""
    isolate = sharing()
    isolate.due(100.0)
    isolate.take(PulledHealth(view=replace(VIEW, probed=0.0, origins={})), 100.0)

    assert isolate.due(100.0 + FIRST_ROUND)


def test_a_known_version_is_answered_with_a_time_alone() -> None:
    """Nothing but the time of the latest round changes."""
    isolate = sharing()
    isolate.take(PULLED, 100.0)

    assert isolate.take(PulledHealth(probed=129.5), 130.0) == replace(VIEW, probed=129.5)


@pytest.mark.parametrize(
    "answer", [NO_HEALTH, PulledHealth(view=replace(VIEW, fingerprint="other"))]
)
def test_no_usable_answer_leaves_the_isolate_to_itself(answer: PulledHealth) -> None:
    """A view of another configuration may speak of other origins by the same names."""
    isolate = sharing()
    isolate.due(100.0)

    assert isolate.take(answer, 100.0) is None
    assert not isolate.due(129.9)
    assert isolate.due(130.0)


def test_a_time_without_a_view_is_not_usable() -> None:
    """The object cannot mean a version that this isolate never had."""
    assert sharing().take(PulledHealth(probed=129.5), 130.0) is None
