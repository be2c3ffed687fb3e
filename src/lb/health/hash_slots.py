"""A table that finds a client's origin at a cost independent of their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64, mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lb.model import Origin

MOST_SCORED = 8
"""Largest pool whose origins are all scored; for more, the table costs less."""

_MOST_DRAWS = 64
"""Draws before the search is given up."""
_FRACTION = 1 << 32
_STEP = 0xD1B54A32D192ED03
"""Odd, and different from that of hashing.chance_of, so that the two choices are independent."""


class Slots:
    """All origins of a pool in twice as many slots, each in a slot chosen by its name.

    A client's key gives a sequence of slots and fractions. The first slot whose origin takes
    traffic and weighs more than the fraction wins. So origins are found by weight, and when one
    leaves, comes back or changes its weight, only its own clients move, as with rendezvous hashing.
    After Ishikawa, "ASURA: scalable and uniform data distribution algorithm for storage
    clusters" (2013).
    """

    def __init__(self, origins: Sequence[Origin]) -> None:
        size = 1 << (2 * len(origins) - 1).bit_length()
        self._mask = size - 1
        self._slots: list[Origin | None] = [None] * size
        # Sorted by name, so that the order in the configuration makes no difference.
        for origin in sorted(origins, key=lambda one: one.name):
            at = hash64("slot", *origin.key) & self._mask
            while self._slots[at] is not None:
                at = (at + 1) & self._mask
            self._slots[at] = origin
        # With small weights only, most draws would miss.
        heaviest = max((origin.weight for origin in origins), default=1.0)
        self._scale = 1.0
        while 0 < heaviest * self._scale * 2 <= 1:
            self._scale *= 2

    def first(self, key: int, weight_of: Callable[[Origin], float]) -> Origin | None:
        """Return a client's origin; None where weights are so uneven that no draw found one.

        `weight_of` returns 0 for an origin that takes no traffic.
        """
        slots, mask, scale = self._slots, self._mask, self._scale * _FRACTION
        for draw in range(1, _MOST_DRAWS + 1):
            number = mixed(key ^ draw * _STEP)
            origin = slots[number & mask]
            if origin is not None and (number >> 32) < weight_of(origin) * scale:
                return origin
        return None
