"""Load shedding: which requests a pool that is at risk leaves to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64, mixed_uniform
from lb.model import SheddingPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts


class Shedding:
    """What one pool sheds.

    https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/
    """

    def __init__(self, pool: Pool) -> None:
        settings = pool.load_shedding
        self._default = settings.default_percent / 100
        self._sessions = settings.session_percent / 100
        self._random = settings.default_policy is SheddingPolicy.RANDOM
        # Each pool sheds other clients, so that what one sheds is not shed by the next as well.
        self._seed = hash64("shed", pool.name)

    def request(self, facts: RequestFacts, rand: Callable[[], float]) -> bool:
        """Whether a request without a session goes elsewhere."""
        if not self._default:
            return False
        spot = rand() if self._random else self._spot(hash64(facts.client_ip))
        return spot < self._default

    def session(self, facts: RequestFacts, key: int | None) -> bool:
        """Whether a session is moved: by hash, so that those that stay, stay.

        The hash is that of the session's key, if it has one, else of the client's address; then
        those are moved whose requests `hash` sheds as well.
        """
        if not self._sessions:
            return False
        return self._spot(hash64(facts.client_ip) if key is None else key) < self._sessions

    def _spot(self, key: int) -> float:
        return mixed_uniform(key, self._seed)


def reason(pool: Pool) -> str:
    """Say what a pool sheds, "" if nothing."""
    shed = pool.load_shedding
    by = "chance" if shed.default_policy is SheddingPolicy.RANDOM else "the client's address"
    parts = (
        (shed.default_percent, f"% of requests without a session, by {by}"),
        (shed.session_percent, "% of sessions"),
    )
    return "; ".join(f"{percent:g} {what}" for percent, what in parts if percent)


def shedding_of(lb: LoadBalancer) -> Mapping[str, Shedding]:
    """Return what sheds anything, by the pool's name."""
    return {
        pool.name: Shedding(pool)
        for pool in lb.pools
        if pool.load_shedding.default_percent or pool.load_shedding.session_percent
    }


class Shed:
    """Which pools have shed one request."""

    def __init__(self, shedding: Mapping[str, Shedding], facts: RequestFacts) -> None:
        self.pools: set[str] = set()
        self._told: set[str] = set()
        self._shedding = shedding
        self._facts = facts

    def news(self) -> set[str]:
        """Return the pools that have shed the request since the last time."""
        new = self.pools - self._told
        self._told |= new
        return new

    def session(self, pool: Pool, key: int | None = None) -> bool:
        """Whether a session of the pool is moved; it may have a key."""
        sheds = self._shedding.get(pool.name)
        if sheds is None or not sheds.session(self._facts, key):
            return False
        self.pools.add(pool.name)
        return True

    def request(self, pool: Pool, session: int | None, rand: Callable[[], float]) -> bool:
        """Whether a request goes past the pool: one that has a session's key, or none.

        A request whose session was moved does.
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
