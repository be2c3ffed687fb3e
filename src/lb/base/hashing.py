"""Hashes with the same result in every isolate, region and version of Python."""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MASK = (1 << 64) - 1


def hash64(*parts: str) -> int:
    """Return the first 64 bits of SHA-256 over the parts, separated by NUL."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(sha256(text).digest()[:8], "big")


def chance_of(key: int) -> Callable[[], float]:
    """Return a generator of pseudorandom numbers from 0 to 1, seeded with a key."""
    numbers = count(1)
    # The fraction of the golden ratio, as in SplitMix64, spreads consecutive numbers.
    return lambda: mixed_uniform(key, next(numbers) * 0x9E3779B97F4A7C15)


def mixed(number: int) -> int:
    """Return 64 bits, each of which depends on all of the lowest 64 bits of a number.

    The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014). A cryptographic hash would cost a request several times as much.
    """
    number &= _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def mixed_uniform(one: int, other: int) -> float:
    """Return a number above 0 and below 1 that depends on every bit of both numbers."""
    return ((mixed(one ^ other) >> 11) + 0.5) / (1 << 53)
