"""What is different between two moments: pools' health, and what was switched on or off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.events import OriginEnabledChanged, PoolEnabledChanged, PoolHealthChanged
from lb.maintenance import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.availability import Snapshot
    from lb.maintenance import SwitchedOff
    from lb.model import Pool, PoolHealth

Change = PoolHealthChanged | OriginEnabledChanged | PoolEnabledChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSeen:
    """One pool at one moment, as plain data that can be kept and compared later."""

    health: PoolHealth
    available: int
    """Origins that take traffic."""
    minimum_origins: int
    off: str
    """Why it is switched off: `disabled` or `maintenance`; empty while it is on."""
    origins: Mapping[str, str]
    """The same of each of its origins, by name."""


def seen(pools: Iterable[Pool], snapshot: Snapshot) -> dict[str, PoolSeen]:
    """Return what `changes` compares, by the pools' names."""
    return {
        pool.name: PoolSeen(
            health=view.health,
            available=len(view.origins),
            minimum_origins=pool.minimum_origins,
            off=_word(view.off),
            origins={
                origin.name: _word(switched_off(origin, snapshot.now)) for origin in pool.origins
            },
        )
        for pool in pools
        for view in [snapshot.view(pool)]
    }


def changes(before: Mapping[str, PoolSeen], after: Mapping[str, PoolSeen]) -> list[Change]:
    """Return what has changed; of what is new or gone there is nothing to tell."""
    found: list[Change] = []
    for name, now in after.items():
        then = before.get(name)
        if then is None:
            continue
        if then.off != now.off:
            found.append(PoolEnabledChanged(pool=name, enabled=not now.off, reason=now.off))
        found += [
            OriginEnabledChanged(pool=name, origin=origin, enabled=not off, reason=off)
            for origin, off in now.origins.items()
            if then.origins.get(origin, off) != off
        ]
        if then.health is not now.health:
            found.append(
                PoolHealthChanged(
                    pool=name,
                    before=then.health,
                    after=now.health,
                    minimum_origins=now.minimum_origins,
                    available=now.available,
                )
            )
    return found


def _word(off: SwitchedOff | None) -> str:
    return "" if off is None else off.why.value
