"""Requests under way at an origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from lb.health.in_flight import MARGIN, SWEPT_EVERY, InFlight
from support.edge import FakeEdge
from support.make import balancer_of, config_of, pool

if TYPE_CHECKING:
    from lb.model import Pool

A, B = ("p", "a"), ("p", "b")


def test_an_attempt_counts_from_its_start_to_its_end() -> None:
    """Each origin has its own count."""
    in_flight = InFlight()
    first, second = in_flight.begin(A, 10.0, 2.0), in_flight.begin(A, 10.0, 2.0)
    assert (in_flight.outstanding(A), in_flight.outstanding(B)) == (2, 0)

    in_flight.end(A, first)
    in_flight.end(A, first)
    assert in_flight.outstanding(A) == 1
    in_flight.end(A, second)
    assert in_flight.outstanding(A) == 0


def test_a_request_that_never_ends_is_forgotten() -> None:
    """A request whose client left stops counting, also without further requests to its origin."""
    in_flight = InFlight()
    lost = in_flight.begin(A, 10.0, 2.0)
    in_flight.begin(A, 10.0, 600.0)

    in_flight.begin(B, 12.0 + MARGIN - 0.1, 2.0)
    assert in_flight.outstanding(A) == 2
    in_flight.begin(B, 12.0 + MARGIN + SWEPT_EVERY, 2.0)
    assert in_flight.outstanding(A) == 1
    in_flight.end(A, lost)
    assert in_flight.outstanding(A) == 1


@pytest.mark.parametrize(("pools", "seen"), [([pool("p", "a", "b")], 1), ([pool("p", "a")], 0)])
def test_a_request_counts_while_its_origin_is_asked(pools: list[Pool], seen: int) -> None:
    """Any outcome ends it; a lone origin's requests are not counted."""
    edge = FakeEdge(config_of(balancer_of(*pools)))
    in_flight, counts = edge.balancer.memory.in_flight, []

    def answer(request: httpx.Request) -> httpx.Response:
        counts.append(in_flight.outstanding(A))
        return httpx.Response(200)

    with respx.mock(assert_all_called=False) as web:
        web.route(host="a.example.com").mock(side_effect=answer)
        web.route(host="b.example.com").mock(side_effect=httpx.ConnectError("refused"))
        for chance in (0.0, 0.9):
            edge.chance = chance
            assert edge.fetch("GET", "https://service.example.com/").status_code == 200

    assert counts == [seen, seen]
    assert (in_flight.outstanding(A), in_flight.outstanding(B)) == (0, 0)
