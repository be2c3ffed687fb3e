"""Mirroring: a share of requests is copied to a pool whose responses are discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.reading.problems import shown
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Number, Ref, Reference
from lb.model import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config.reading.problems import Reader
    from lb.model import LoadBalancer, Pool

MIRROR = Table(
    name="load_balancers.mirror",
    doc="Some GET requests are sent once more, behind the answer, to a pool whose answers nobody "
    "sees ([mirroring](steering.md#mirroring)).",
    fields=(
        Field("pool", Reference("pool"), REQUIRED, "A pool that serves nothing here."),
        Field("percent", Number(0, 100), REQUIRED, "How many of these requests."),
        Field("timeout", Number(0.05, 25), 10, "Seconds until such an answer begins."),
    ),
)


def mirror_of(given: object, pool_of: Callable[[Ref], Pool | None]) -> Mirror | None:
    """The mirror that a record describes; None = no mirror, or an unknown pool."""
    if not isinstance(given, Record):
        return None
    ref = given.values.get("pool")
    pool = pool_of(ref) if isinstance(ref, Ref) else None
    if pool is None or "percent" not in given.values:
        return None
    return given.build(Mirror, pool=pool)


def check_mirror(load_balancer: LoadBalancer, record: Record, reader: Reader) -> None:
    """Refuse a pool that serves: it would get requests twice, and hide its failures."""
    mirror, given = load_balancer.mirror, record.values.get("mirror")
    if mirror is None or not isinstance(given, Record):
        return
    if any(pool.name == mirror.pool.name for pool in load_balancer.pools):
        reader.refuse(
            given.at / "pool",
            f"{shown(mirror.pool.name)} serves this load balancer: a mirror needs another pool",
        )
