"""Health of a pool in Cloudflare's shape: by place, then by address of the origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.admin.api.resources import POOLS
from lb.admin.api.visible import VisibleObjects
from lb.admin.calls import Refusal, Result
from lb.admin.refusals import not_found
from lb.health.verdict import EVERYWHERE, NO_FAILURES
from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.admin.api.request import ApiRequest
    from lb.health.verdict import OriginHealth
    from lb.model import Pool
    from lb.object.known import Known

HERE = "Worker"
"""Place of the Durable Object, which does not know its data centre."""


def pool_health(request: ApiRequest) -> Result | Refusal:
    """GET pools/{id}/health: return an entry for each place that probes; none before a probe."""
    visible = VisibleObjects(request)
    found = visible.find(POOLS)
    if found is None:
        return not_found(POOLS.word, request.identifier)
    keeper = request.context.keeper
    if keeper is None:
        return Result(result={"pool_id": found.id, "pop_health": {}})
    known = keeper.known()
    pool = next((one for one in keeper.config.pools if one.name == found.name), None)
    health = {} if pool is None else by_place(pool, known)
    return Result(result={"pool_id": found.id, "pop_health": health})


def by_place(pool: Pool, known: Known) -> dict[str, Any]:
    """Return the health of a pool's origins by place.

    The places vote on one verdict, so they differ in their round trip times only.
    """
    seen = {
        origin: found
        for origin in pool.origins
        if origin.enabled
        if (found := known.shared.origins.get(origin.key)) is not None and found.checked
    }
    if not seen:
        return {}
    healthy = sum(found.health is Health.HEALTHY for found in seen.values())
    return {
        place or HERE: {
            "healthy": healthy >= pool.minimum_origins,
            "origins": [
                {
                    origin.address: probe_result(
                        healthy=found.health is Health.HEALTHY,
                        cause=found.cause,
                        seconds=dict(found.latencies).get(place, known.latencies.get(origin.key)),
                        status=known.codes.get(origin.key, 0),
                    )
                }
                for origin, found in seen.items()
            ],
        }
        for place in _places(pool, seen.values())
    }


def _places(pool: Pool, known: Iterable[OriginHealth]) -> list[str]:
    chosen = [region.value for region in pool.check_regions]
    timed = [place for one in known for place, _ in one.latencies if place != EVERYWHERE]
    return chosen or list(dict.fromkeys(timed)) or [EVERYWHERE]


def probe_result(
    *, healthy: bool, cause: str, seconds: float | None, status: int = 0
) -> dict[str, Any]:
    """Return the result of the latest probe of an origin; status 0 = none, or unknown."""
    return {
        "healthy": healthy,
        "failure_reason": NO_FAILURES if healthy else cause or "Health unknown",
        "response_code": status,
        "rtt": rtt(seconds if healthy else None),
    }


def rtt(seconds: float | None) -> str:
    """Return a round trip time as Cloudflare writes it: `12.1ms`, `1.52s`; `0s` for none."""
    if seconds is None:
        return "0s"
    return f"{seconds * 1000:.1f}ms" if seconds < 1 else f"{seconds:.2f}s"
