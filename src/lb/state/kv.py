"""Writes of the shared view to KV, within the free plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.state.shared_view import NOTHING_SHARED, SharedHealth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.verdict import OriginHealth
    from lb.model import OriginKey


KV_REFRESH = 60
"""Seconds for which a data centre may answer from its copy; no shorter time is valid everywhere
(https://developers.cloudflare.com/kv/api/read-key-value-pairs/#cachettl-parameter)."""

KV_WRITE_GAP = 60.0
"""Seconds between two writes of one isolate."""

KV_WRITES_A_DAY = 100
"""Writes of one isolate; the free plan has 1,000 for an account, and one a second for a key
(https://developers.cloudflare.com/kv/platform/limits/)."""

DAY = 86_400.0


class KvWriter:
    """Decides what an isolate writes: changes that it saw itself, and not too many of them."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._written: list[float] = []

    def view(
        self,
        own: Mapping[OriginKey, OriginHealth],
        shared: SharedHealth | None,
        now: float,
    ) -> SharedHealth | None:
        """Return the view to write; None = the one in KV says the same, or it is too early."""
        if shared is None or shared.fingerprint != self._fingerprint:
            shared = NOTHING_SHARED
        there = shared.origins
        newer = {
            key: health
            for key, health in own.items()
            if health.checked and (key not in there or health.checked > there[key].checked)
        }
        if all(key in there and one.health is there[key].health for key, one in newer.items()):
            return None
        if not self._may_write(now):
            return None
        return SharedHealth(
            version=max(int(now), shared.version + 1),
            fingerprint=self._fingerprint,
            # No time of a round, as nobody keeps probing for all: isolates go on probing.
            probed=0.0,
            origins={**there, **newer},
        )

    def _may_write(self, now: float) -> bool:
        self._written = [at for at in self._written if at > now - DAY]
        if self._written and now < self._written[-1] + KV_WRITE_GAP:
            return False
        if len(self._written) >= KV_WRITES_A_DAY:
            return False
        self._written.append(now)
        return True
