"""Weighted random orders: the sequence in which candidates are tried."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Drawn = TypeVar("Drawn")


def by_chance(
    among: Sequence[Drawn],
    weights: Sequence[float],
    sums: Sequence[float],
    rand: Callable[[], float],
) -> Iterator[Drawn]:
    """Yield all in random order, each with a probability of its share of the remaining weight.

    `sums` are the running sums of `weights`, which are all above 0. The first one is found by
    bisection; work that grows with their number begins with the second one.
    """
    while among:
        at = min(bisect_right(sums, rand() * sums[-1]), len(among) - 1)
        yield among[at]
        among = (*among[:at], *among[at + 1 :])
        weights = (*weights[:at], *weights[at + 1 :])
        sums = tuple(accumulate(weights))


def by_load(
    among: Sequence[Drawn],
    weights: Sequence[float],
    sums: Sequence[float],
    load: Callable[[Drawn], int],
    rand: Callable[[], float],
) -> Iterator[Drawn]:
    """Yield all, with the less loaded of two random ones first: the power of two choices.

    Two different ones are drawn by weight. The first one is preferred, unless one more request
    would leave the second one with no more load for its weight than the first one has already:
    (load + 1) / weight <= load of the first / weight of the first. So without any load the shares
    are the weights, and of two equal weights the smaller load is preferred.
    Mitzenmacher, "The power of two choices in randomized load balancing" (2001);
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/origin-level-steering/least-outstanding-requests-pools/
    """
    if len(among) < 2:
        yield from among
        return
    last = len(among) - 1
    first = min(bisect_right(sums, rand() * sums[-1]), last)
    before, own = (sums[first - 1] if first else 0.0), weights[first]
    spot = rand() * (sums[-1] - own)
    if spot >= before:
        spot += own
    second = min(bisect_right(sums, spot), last)
    if second == first:  # rounding
        second = first - 1 if first else 1
    busy = load(among[first]) / own
    if busy and (load(among[second]) + 1) / weights[second] <= busy:
        first, second = second, first
    yield among[first]
    yield among[second]
    others = [at for at in range(len(among)) if at not in (first, second)]
    left = tuple(weights[at] for at in others)
    yield from by_chance([among[at] for at in others], left, tuple(accumulate(left)), rand)
