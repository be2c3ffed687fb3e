"""Every origin that a request may be sent to, the best first."""

from __future__ import annotations

from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from lb.base.hashing import chance_of
from lb.health.quiet import Doubt
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
    """What put an origin at its place in the order."""

    SESSION = "the session's own origin"
    SESSION_POOL = "of the same pool as the session's origin"
    KEY = "chosen by the session's key"
    ADDRESS = "chosen by the client's address"
    STEERING = "chosen by steering"
    TEST = "doubted, and tested by this request"
    SHED = "of the fallback pool, as pools before it shed the request"
    PROVEN = "down by its monitor, but it has answered well lately"
    DOUBTED = "doubted, as it has gone quiet or has just come back"
    LAST_RESORT = "the last resort, as nothing better is left"


# A session stays where it is until its origin has really failed; other requests may go elsewhere.
# A tuple, as a set would call Enum.__hash__, which is Python code.
CAN_CHOOSE = (Why.STEERING, Why.ADDRESS, Why.SESSION_POOL, Why.SHED, Why.TEST)

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods that applications really treat as safe; a WebSocket handshake is a GET."""


class Prepared(Protocol):
    """What choosing asks of a load balancer that is prepared for requests."""

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
        """How long sessions stay on an origin that takes nothing new."""

    @property
    def shedding(self) -> Mapping[str, Shedding]:
        """The pools that shed requests, by name."""

    @property
    def steering(self) -> Steering: ...
    @property
    def keyed_steering(self) -> Steering:
        """The steering of requests with a key."""

    @property
    def origin_steering(self) -> Mapping[str, OriginSteering]:
        """The origin steering of each pool, by name."""


def candidates(  # noqa: PLR0913, PLR0917 (each is handed on)
    serving: Prepared,
    snapshot: Snapshot,
    facts: RequestFacts,
    rand: Callable[[], float],
    pinned: Origin | None,
    shed: Shed | None,
    doubted: list[Origin],
) -> Iterator[tuple[Origin, Why]]:
    """Yield every origin that may be tried, once, the best first, and what put it there.

    The pin comes first, and most requests of a session need nothing but that. Those that are
    doubted come after all others that take traffic; and when those have failed or there are none,
    whatever is left is better than a refusal. Nothing is noted here: `doubted` collects the origins
    that are avoided, and Why.TEST marks one that the request tests, for whoever sends it.

    A function and not a method: a generator that holds the plan which holds it would keep the
    request and its response alive until Python looks for cycles.
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
    for why, origins in chain(preferred, _left(serving, snapshot, doubted)):
        for origin in origins:
            if origin.key in seen:
                continue
            if is_full(origin, snapshot):
                seen.add(origin.key)
                continue
            doubt = _doubt(serving, snapshot, facts, origin) if why in CAN_CHOOSE else None
            if doubt is None:
                seen.add(origin.key)
                yield origin, why
            elif doubt is Doubt.TEST:
                seen.add(origin.key)
                yield origin, Why.TEST
            else:
                doubted.append(origin)


def _left(
    serving: Prepared, snapshot: Snapshot, doubted: list[Origin]
) -> Iterator[tuple[Why, Iterable[Origin]]]:
    doubts = snapshot.doubts
    if doubted and doubts is not None:
        # Those of which probes say that they are down; but a request has learned better since.
        proven = [one for one in last_resort(serving.lb, snapshot) if doubts.proven(one)]
        yield Why.PROVEN, (one for one in proven if one not in doubted)
    yield Why.DOUBTED, doubted
    yield Why.LAST_RESORT, last_resort(serving.lb, snapshot)


def _doubt(
    serving: Prepared, snapshot: Snapshot, facts: RequestFacts, origin: Origin
) -> Doubt | None:
    doubts = snapshot.doubts
    if doubts is None or serving.origin_count == 1:
        return None
    return doubts.of(serving.lb.ejection, origin, lambda: repeatable(serving, facts))


def repeatable(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a request may be sent again: it does no harm, and its body is still at hand."""
    return harmless(serving, facts) and (not facts.has_body or keeps_body(serving, facts))


def harmless(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether two origins may get a request, even if the first one has acted on it."""
    return facts.method in SAFE_TO_REPEAT or serving.lb.failover.retry_non_idempotent


def keeps_body(serving: Prepared, facts: RequestFacts) -> bool:
    """Whether a request has a body that is read first, so that it could be sent again."""
    failover = serving.lb.failover
    return (
        failover.tries > 1
        and serving.origin_count > 1
        and facts.has_body
        and facts.content_length is not None
        and facts.content_length <= failover.body_limit
    )


def _preferred(  # noqa: PLR0913, PLR0917 (each is handed on)
    serving: Prepared,
    snapshot: Snapshot,
    facts: RequestFacts,
    rand: Callable[[], float],
    home: Pool | None,
    shed: Shed | None,
) -> Iterator[tuple[Why, Iterable[Origin]]]:
    """Yield origins, some of them more than once, with what put them there.

    The rest of the pool that the session is at home in; then steering over the pools and origin
    steering within; then, if some of these have shed the request, the fallback pool.
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
        # What all pools shed goes there, and is better off in one that sheds than in one that is
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
        return view.origins  # there is nothing to choose
    if key is not None:
        return in_order_of(key, view)
    return serving.origin_steering[pool.name](view, facts, rand)


# The order of the last resort, in each rank the fallback pool before the others, as its health is
# not asked for (https://developers.cloudflare.com/load-balancing/understand-basics/health-details/).
# An ejection is a guess from a few requests, so it is taken back before a monitor's verdict is.
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
    """Yield the enabled origins of the enabled pools in the order in which despair tries them."""
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
