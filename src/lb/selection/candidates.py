"""The origins that a request may be sent to, the best first."""

from __future__ import annotations

from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from lb.base.hashing import chance_of
from lb.health.quiet import Treatment
from lb.health.snapshot import Standing, is_full
from lb.selection.origin_steering import in_order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lb.health.snapshot import Keeping, Snapshot
    from lb.model import LoadBalancer, Origin, OriginKey, Pool
    from lb.request.facts import RequestFacts
    from lb.selection.affinity import Affinity
    from lb.selection.origin_steering import OriginSteering
    from lb.selection.shedding import Shed, Shedding
    from lb.selection.steering.policy import Steering


class Why(Enum):
    """Why an origin has its place in the order."""

    SESSION = "the session's own origin"
    SESSION_POOL = "in the pool of the session's origin"
    KEY = "chosen by the session's key"
    ADDRESS = "chosen by the client's address"
    STEERING = "chosen by steering"
    TEST = "suspected, and tested by this request"
    SHED = "in the fallback pool, as pools before it shed the request"
    PROVEN = "down by its monitor, but it has answered well recently"
    SUSPECTED = "suspected, as it is silent or has just come back"
    LAST_RESORT = "the last resort, as nothing better is left"


# Requests that may go elsewhere without a failure; a session stays on its origin until that fails.
# A tuple, because a set would call Enum.__hash__, which is Python code.
CAN_CHOOSE = (Why.STEERING, Why.ADDRESS, Why.SESSION_POOL, Why.SHED, Why.TEST)

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods that applications treat as safe in practice; a WebSocket handshake is a GET."""


class Prepared(Protocol):
    """What candidates need of a prepared load balancer."""

    @property
    def lb(self) -> LoadBalancer: ...
    @property
    def pools(self) -> Mapping[str, Pool]:
        """The pools by name."""

    @property
    def origin_count(self) -> int: ...
    @property
    def affinity(self) -> Affinity | None: ...
    @property
    def keeping(self) -> Keeping:
        """How long sessions stay on an origin that takes no new traffic."""

    @property
    def shedding(self) -> Mapping[str, Shedding]:
        """Load shedding by pool name; only pools that shed."""

    @property
    def steering(self) -> Steering: ...
    @property
    def keyed_steering(self) -> Steering:
        """The steering of requests that have a key (`Affinity.key`)."""

    @property
    def origin_steering(self) -> Mapping[str, OriginSteering]:
        """Origin steering by pool name."""


def candidates(  # noqa: PLR0913, PLR0917 (each is handed on)
    serving: Prepared,
    snapshot: Snapshot,
    facts: RequestFacts,
    rand: Callable[[], float],
    pinned: Origin | None,
    shed: Shed | None,
    suspected: list[Origin],
) -> Iterator[tuple[Origin, Why]]:
    """Yield each origin that may be tried once, the best first, with the reason for its place.

    The pinned origin comes first; most requests of a session need no other. Suspected origins come
    after all others that take traffic. When those have failed, or there are none, anything is
    better than a refusal. Nothing is recorded here: the avoided origins are appended to
    `suspected`, and Why.TEST marks an origin that this request tests; the driver records both.

    A function, not a method: a generator that holds the plan that holds it would keep the request
    and its response alive until Python's cycle collector runs.
    """
    seen: set[OriginKey] = set()
    home = None
    if pinned is not None:
        pool = serving.pools[pinned.pool]
        stays = snapshot.keeps_session(pool, pinned, serving.keeping)
        if stays and not (shed and shed.session(pool)):
            home = pool
            seen.add(pinned.key)
            if not is_full(pinned, snapshot):
                yield pinned, Why.SESSION
    preferred = _preferred(serving, snapshot, facts, rand, home, shed)
    for why, origins in chain(preferred, _rest(serving, snapshot, suspected)):
        for origin in origins:
            if origin.key in seen:
                continue
            if is_full(origin, snapshot):
                seen.add(origin.key)
                continue
            treatment = _treatment(serving, snapshot, facts, origin) if why in CAN_CHOOSE else None
            if treatment is None:
                seen.add(origin.key)
                yield origin, why
            elif treatment is Treatment.TEST:
                seen.add(origin.key)
                yield origin, Why.TEST
            else:
                suspected.append(origin)


def _rest(
    serving: Prepared, snapshot: Snapshot, suspected: list[Origin]
) -> Iterator[tuple[Why, Iterable[Origin]]]:
    """Yield what follows when no other origin takes traffic."""
    suspects = snapshot.suspects
    if suspected and suspects is not None:
        # Down by their probes; but a request since then has proved otherwise.
        proven = [one for one in last_resort(serving.lb, snapshot) if suspects.proven(one)]
        yield Why.PROVEN, (one for one in proven if one not in suspected)
    yield Why.SUSPECTED, suspected
    yield Why.LAST_RESORT, last_resort(serving.lb, snapshot)


def _treatment(
    serving: Prepared, snapshot: Snapshot, facts: RequestFacts, origin: Origin
) -> Treatment | None:
    suspects = snapshot.suspects
    if suspects is None or serving.origin_count == 1:
        return None
    return suspects.treatment(serving.lb.ejection, origin, lambda: repeatable(serving, facts))


def repeatable(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a request may be sent again: that does no harm, and its body is still there."""
    return harmless(serving, facts) and (not facts.has_body or keeps_body(serving, facts))


def harmless(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a second origin may get a request, even if the first one has acted on it."""
    return facts.method in SAFE_TO_REPEAT or serving.lb.failover.retry_non_idempotent


def looks_first(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether old health may lose a request: nobody else gets it after its first origin."""
    return serving.origin_count > 1 and not harmless(serving, facts)


def keeps_body(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a request's body is read before it is sent, so that it can be sent again."""
    length = facts.content_length
    return (
        length is not None
        and length <= serving.lb.failover.body_limit
        and serving.lb.failover.tries > 1
        and serving.origin_count > 1
        and facts.has_body
    )


def may_keep_body(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a body of unknown length is kept if it turns out to be short."""
    failover = serving.lb.failover
    return (
        facts.content_length is None
        and failover.body_limit > 0
        and failover.tries > 1
        and serving.origin_count > 1
        and facts.method not in SAFE_TO_REPEAT
    )


def _preferred(  # noqa: PLR0913, PLR0917 (each is handed on)
    serving: Prepared,
    snapshot: Snapshot,
    facts: RequestFacts,
    rand: Callable[[], float],
    home: Pool | None,
    shed: Shed | None,
) -> Iterator[tuple[Why, Iterable[Origin]]]:
    """Yield origins, some of them more than once, with the reason for their place.

    First the rest of `home`, the pool of the session's origin; then the pools in the order of
    steering, each in the order of its origin steering; then, if pools have shed the request, the
    fallback pool.
    """
    affinity, key, session = serving.affinity, None, None
    steering, why = serving.steering, Why.STEERING
    if affinity is not None:
        key = affinity.key(facts)
        if key is not None:
            rand, steering, why = chance_of(key), serving.keyed_steering, Why.ADDRESS
            if affinity.key_is_session:
                session, why = key, Why.KEY
    if home is not None:
        yield Why.SESSION_POOL, _chosen(serving, snapshot, home, facts, rand, key, session)
    for pool in steering(facts, snapshot, rand):
        if shed and snapshot.view(pool).available and shed.request(pool, session, rand):
            continue
        yield why, _chosen(serving, snapshot, pool, facts, rand, key, session)
    if shed and shed.pools:
        # A request that all pools shed goes there; a pool that sheds is better than one that is
        # down (https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/).
        pool = serving.lb.fallback_pool
        yield Why.SHED, _chosen(serving, snapshot, pool, facts, rand, key, session)


def _chosen(  # noqa: PLR0913, PLR0917 (each is handed on)
    serving: Prepared,
    snapshot: Snapshot,
    pool: Pool,
    facts: RequestFacts,
    rand: Callable[[], float],
    key: int | None,
    session: int | None,
) -> Iterable[Origin]:
    """Return a pool's origins in the order of its origin steering; none if the pool is down."""
    view = snapshot.view(pool) if session is None else snapshot.sessions(pool, serving.keeping)
    if not view.available:
        return ()
    if len(view.origins) == 1:
        return view.origins  # nothing to choose from
    if key is not None:
        return in_order_of(key, view)
    return serving.origin_steering[pool.name](view, facts, rand)


# Ranks of the last resort; None = never. Within a rank the fallback pool comes first, as its health
# is ignored (https://developers.cloudflare.com/load-balancing/understand-basics/health-details/).
# An ejection is a guess from a few requests, so it gives way before a monitor's verdict does.
LAST_RESORT: Mapping[Standing, int | None] = {
    Standing.AVAILABLE: 0,
    Standing.EJECTED: 1,
    Standing.NO_WEIGHT: 2,
    Standing.UNHEALTHY: 2,
    Standing.DRAINING: None,
    Standing.MAINTENANCE: None,
    Standing.DISABLED: None,
}


def last_resort(lb: LoadBalancer, snapshot: Snapshot) -> Iterator[Origin]:
    """Yield the enabled origins of the enabled pools in the order of the last resort."""
    ranked: list[tuple[int, int, Origin]] = []
    for pool in lb.pools:
        if snapshot.view(pool).off is not None:
            continue
        for origin in pool.origins:
            rank = LAST_RESORT[snapshot.standing(origin)]
            if rank is not None:
                ranked.append((rank, pool is not lb.fallback_pool, origin))
    ranked.sort(key=lambda entry: entry[:2])
    return (origin for _, _, origin in ranked)
