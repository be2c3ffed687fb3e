"""Sessions that were ended before they expired."""

from __future__ import annotations

from lb.admin.auth.sessions import LASTS
from support.office import Office


def test_an_ended_session_opens_nothing() -> None:
    """It can neither read nor change; other sessions and tokens can."""
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


def test_it_is_forgotten_once_it_would_have_expired() -> None:
    """Ending another session removes it."""
    office = Office()
    for session in ("a", "b", "c"):
        office.result("DELETE", "/session", session=session)
        office.now += LASTS / 2 + 1
    kept = office.sql("SELECT id FROM ended_sessions ORDER BY id")
    assert [row["id"] for row in kept] == ["b", "c"]


def test_only_a_session_can_be_ended() -> None:
    """Asking for a valid one changes nothing."""
    office = Office()
    assert office.call("DELETE", "/session").status == 404
    assert office.call("DELETE", "/session/x", session="a").status == 404
    assert office.result("GET", "/session", session="a") is None
    assert office.result("GET", "/versions", session="a") is not None
