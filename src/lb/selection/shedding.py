"""Load shedding: the requests that an overloaded pool passes on to other pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64, mixed_uniform
from lb.model import SheddingPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts


class Shedding:
    """The load shedding of one pool.

    https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/
    """

    def __init__(self, pool: Pool) -> None:
        settings = pool.load_shedding
        self._default = settings.default_percent / 100
        self._sessions = settings.session_percent / 100
        self._random = settings.default_policy is SheddingPolicy.RANDOM
        # Each pool sheds other clients, so that the next pool does not shed the same ones.
        self._seed = hash64("shed", pool.name)

    def request(self, facts: RequestFacts, rand: Callable[[], float]) -> bool:
        """Whether a request without a session is shed."""
        if not self._default:
            return False
        spot = rand() if self._random else self._spot(hash64(facts.client_ip))
        return spot < self._default

    def session(self, facts: RequestFacts, key: int | None) -> bool:
        """Whether a session is shed: by hash, so that the decision stays the same.

        The hash is that of the session's key; without a key, of the client's address, as with the
        policy `hash` for requests without a session.
        """
        if not self._sessions:
            return False
        return self._spot(hash64(facts.client_ip) if key is None else key) < self._sessions

    def _spot(self, key: int) -> float:
        return mixed_uniform(key, self._seed)


def reason(pool: Pool) -> str:
    """Return, as text, what a pool sheds; "" = nothing."""
    shed = pool.load_shedding
    by = "chance" if shed.default_policy is SheddingPolicy.RANDOM else "the client's address"
    parts = (
        (shed.default_percent, f"% of requests without a session, by {by}"),
        (shed.session_percent, "% of sessions"),
    )
    return "; ".join(f"{percent:g} {what}" for percent, what in parts if percent)


def shedding_of(lb: LoadBalancer) -> Mapping[str, Shedding]:
    """Return the load shedding of each pool that sheds anything, by pool name."""
    return {
        pool.name: Shedding(pool)
        for pool in lb.pools
        if pool.load_shedding.default_percent or pool.load_shedding.session_percent
    }


class Shed:
    """The pools that have shed one request."""

    def __init__(self, shedding: Mapping[str, Shedding], facts: RequestFacts) -> None:
        self.pools: set[str] = set()
        self._counted: set[str] = set()
        self._shedding = shedding
        self._facts = facts

    def news(self) -> set[str]:
        """Return the pools that have shed the request since the last call."""
        new = self.pools - self._counted
        self._counted |= new
        return new

    def session(self, pool: Pool, key: int | None = None) -> bool:
        """Whether the pool sheds this session, which may have a key."""
        sheds = self._shedding.get(pool.name)
        if sheds is None or not sheds.session(self._facts, key):
            return False
        self.pools.add(pool.name)
        return True

    def request(self, pool: Pool, session: int | None, rand: Callable[[], float]) -> bool:
        """Whether the pool sheds this request, or has done so already.

        `session`: the key of its session; None = the request has no key.
        """
        sheds = self._shedding.get(pool.name)
        if sheds is None or pool.name in self.pools:
            return sheds is not None
        if session is not None:
            return self.session(pool, session)
        if not sheds.request(self._facts, rand):
            return False
        self.pools.add(pool.name)
        return True
