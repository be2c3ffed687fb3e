"""Writes of the shared view to KV."""

from __future__ import annotations

from dataclasses import replace

from lb.health.verdict import OriginHealth
from lb.model import Health
from lb.state.kv import DAY, KV_WRITE_GAP, KV_WRITES_A_DAY, KvWriter
from lb.state.shared_view import SharedHealth

KEY = ("p", "a")
UP = OriginHealth(health=Health.HEALTHY, checked=90.0)
DOWN = OriginHealth(health=Health.UNHEALTHY, checked=95.0)
VIEW = SharedHealth(version=7, fingerprint="f", probed=99.0, origins={KEY: UP})


def test_a_change_that_others_do_not_know_is_written() -> None:
    """A change that others do not know is written, and the rest of the view stays theirs."""
    there = replace(VIEW, origins={KEY: UP, ("p", "b"): UP})

    view = KvWriter("f").view({KEY: DOWN}, there, 100.0)

    assert view == SharedHealth(
        version=100, fingerprint="f", probed=0.0, origins={KEY: DOWN, ("p", "b"): UP}
    )


def test_what_others_know_is_not_written_again() -> None:
    """Neither a later probe with the same verdict nor an older probe is a change."""
    writer = KvWriter("f")

    assert writer.view({KEY: replace(UP, checked=96.0)}, VIEW, 100.0) is None
    assert writer.view({KEY: replace(DOWN, checked=80.0)}, VIEW, 100.0) is None
    assert writer.view({KEY: OriginHealth()}, None, 100.0) is None


def test_a_view_of_another_configuration_is_overwritten() -> None:
    """A view of another configuration is overwritten, and none of its origins is kept."""
    other = replace(VIEW, fingerprint="old", origins={("gone", "x"): UP})

    view = KvWriter("f").view({KEY: UP}, other, 100.0)

    assert view is not None
    assert dict(view.origins) == {KEY: UP}


def test_writes_are_rare_whatever_happens() -> None:
    """An origin that changes all the time does not use up the account's thousand writes."""
    writer = KvWriter("f")

    written = [
        second
        for second in range(0, int(DAY), 5)
        if writer.view({KEY: DOWN}, None, float(second)) is not None
    ]

    assert len(written) == KV_WRITES_A_DAY
    assert written[1] - written[0] == KV_WRITE_GAP
    assert writer.view({KEY: DOWN}, None, DAY + 1) is not None
