"""A session that was ended is no good any more, wherever its cookie went."""

from __future__ import annotations

from lb.admin.auth.sessions import LASTS
from support.office import Office


def test_an_ended_session_opens_nothing() -> None:
    """Neither to look nor to change; other sessions and the tokens go on."""
    office = Office()
    assert office.result("GET", "/versions", session="mine") is not None
    office.result("DELETE", "/session", session="mine")
    (error,) = office.errors("GET", "/versions", session="mine")
    assert error["message"] == "Authentication error: this session was ended"
    assert office.call("POST", "/apply", {}, session="mine").status == 401
    assert office.call("GET", "/session", session="mine").status == 401
    for other in ("other", ""):
        assert office.result("GET", "/versions", session=other) is not None
    office.evicted()
    assert office.call("GET", "/versions", session="mine").status == 401


def test_it_is_forgotten_once_it_would_be_over_anyway() -> None:
    """The next one that is ended sees to it."""
    office = Office()
    for session in ("a", "b", "c"):
        office.result("DELETE", "/session", session=session)
        office.now += LASTS / 2 + 1
    kept = office.sql("SELECT id FROM ended_sessions ORDER BY id")
    assert [row["id"] for row in kept] == ["b", "c"]


def test_only_a_session_can_be_ended() -> None:
    """And asking for one that is going on changes nothing."""
    office = Office()
    assert office.call("DELETE", "/session").status == 404
    assert office.call("DELETE", "/session/x", session="a").status == 404
    assert office.result("GET", "/session", session="a") is None
    assert office.result("GET", "/versions", session="a") is not None
