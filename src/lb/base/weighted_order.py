"""Draws by weight, in the order in which what was drawn is tried."""

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
    """Yield all, each with its share of the weight of those that are left.

    `sums` are the running sums of `weights`, all above 0. The first is found by bisection; what
    grows with their number is done for the second, if it is wanted.
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
    """Yield all, those with less to do for their weight first: the power of two choices.

    Two different ones are drawn by weight. The first is taken, unless the second would have no
    more to do for its weight with one more than the first has already:
    (load + 1) / weight <= load of the first / weight of the first. So where nothing is to be done
    the shares are the weights, and of two that weigh the same the one with less to do is taken.
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
    if second == first:  # by rounding
        second = first - 1 if first else 1
    busy = load(among[first]) / own
    if busy and (load(among[second]) + 1) / weights[second] <= busy:
        first, second = second, first
    yield among[first]
    yield among[second]
    others = [at for at in range(len(among)) if at not in (first, second)]
    left = tuple(weights[at] for at in others)
    yield from by_chance([among[at] for at in others], left, tuple(accumulate(left)), rand)
