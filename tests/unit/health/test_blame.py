"""Blame for failures: the tables, and what the end of a request proves."""

from __future__ import annotations

from itertools import product

import pytest

from lb.health.blame import BLAMED_FOR, COUNTS, MOST_BLAMED, BlamedPaths, Count, Proof, proofs
from lb.request.edge_answers import EdgePage
from lb.request.outcomes import EDGE_SAYS, Evidence

CONNECTION, TIMEOUT, STATUS = Evidence.CONNECTION, Evidence.TIMEOUT, Evidence.STATUS
PROVEN, UNPROVEN, SHARED = Proof.PROVEN, Proof.UNPROVEN, Proof.SHARED


def test_the_tables_are_total() -> None:
    """Every kind of evidence with every proof counts in one way."""
    assert set(COUNTS) == set(product(Evidence, Proof))
    assert set(EDGE_SAYS) == set(EdgePage)


def test_what_all_origins_fail_counts_against_none() -> None:
    """One URL that failed everywhere ejected an origin."""
    assert {COUNTS[one, SHARED] for one in Evidence} == {Count.NOTHING}


def test_nobody_is_to_blame_for_being_slow_alone() -> None:
    """A time-out that no other origin beats is no failure of the origin."""
    assert COUNTS[TIMEOUT, UNPROVEN] is Count.NOTHING
    assert COUNTS[TIMEOUT, PROVEN] is Count.FAILURE


@pytest.mark.parametrize(
    ("failures", "last", "in_time", "expected"),
    [
        # Another origin answers: each failure was its origin's.
        ([CONNECTION], Evidence.GOOD, True, [PROVEN]),
        ([CONNECTION, CONNECTION], Evidence.GOOD, True, [PROVEN, PROVEN]),
        ([STATUS, TIMEOUT], Evidence.GOOD, True, [PROVEN, PROVEN]),
        # It took longer than the first one was given.
        ([TIMEOUT], Evidence.GOOD, False, [SHARED]),
        ([CONNECTION, TIMEOUT], Evidence.GOOD, False, [PROVEN, SHARED]),
        # All fail in the same way.
        ([STATUS, STATUS], STATUS, True, [SHARED, SHARED]),
        ([CONNECTION, CONNECTION, CONNECTION], CONNECTION, True, [SHARED] * 3),
        ([TIMEOUT, TIMEOUT], TIMEOUT, True, [SHARED, SHARED]),
        # In different ways.
        ([CONNECTION, STATUS], STATUS, True, [UNPROVEN, UNPROVEN]),
        ([CONNECTION, STATUS, STATUS], STATUS, True, [UNPROVEN, SHARED, SHARED]),
        # Nobody else was asked, or a cache or the edge answered.
        ([CONNECTION], CONNECTION, True, [UNPROVEN]),
        ([STATUS], Evidence.NONE, True, [UNPROVEN]),
    ],
)
def test_the_end_of_a_request_proves_its_failures(
    failures: list[Evidence], last: Evidence, in_time: bool, expected: list[Proof]
) -> None:
    """The answer to the same request, by another origin, is what proves a failure."""
    assert proofs(failures, last, in_time=in_time) == expected


def test_a_path_is_to_blame_for_a_while() -> None:
    """The blame ends by itself, and only so many paths are kept."""
    blamed = BlamedPaths()
    blamed.add("/x", 10.0)

    assert blamed.has("/x", 10.0 + BLAMED_FOR - 0.1)
    assert not blamed.has("/x", 10.0 + BLAMED_FOR)
    assert not blamed.has("/y", 10.0)

    for number in range(MOST_BLAMED):
        blamed.add(f"/{number}", 11.0)
    assert not blamed.has("/x", 11.0)
    assert blamed.has("/0", 11.0)
