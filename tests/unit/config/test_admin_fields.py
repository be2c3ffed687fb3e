"""The admin side's part of a configuration: its path, and who gets in without a token."""

from __future__ import annotations

from typing import Any

import pytest

from lb.config import Invalid, admin_of, parse
from lb.model import Access, Admin

TEAM = "https://team.cloudflareaccess.com"


def admin(**fields: Any) -> Admin:
    """Return the parsed table."""
    parsed = parse({"admin": fields})
    assert not isinstance(parsed, Invalid), parsed
    assert admin_of({"admin": fields, "pools": 7}) == parsed.admin
    return parsed.admin


def problems(**fields: Any) -> list[str]:
    """Return the problems of a table."""
    parsed = parse({"admin": fields})
    assert isinstance(parsed, Invalid)
    return [str(problem) for problem in parsed.problems]


@pytest.mark.parametrize(
    ("team", "url"),
    [
        ("team", TEAM),
        ("Team", TEAM),
        ("https://team.cloudflareaccess.com", TEAM),
        ("https://Team.CloudflareAccess.com/", TEAM),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_a_team_is_a_name_or_a_url(team: str, url: str) -> None:
    """An Access team is a name or the URL in its JWTs; http is only for this machine."""
    assert admin(access={"team": team, "audience": "x"}).access == Access(team=url, audience="x")


def test_people_are_known_in_any_case_of_letters() -> None:
    """Mail addresses and client ids of service tokens are compared without regard to case."""
    lists = {"readers": ["Ann@Example.com"], "writers": ["ID.access"]}
    access = admin(access={"team": "team", "audience": "x", **lists}).access
    assert access is not None
    assert (access.readers, access.writers) == (("ann@example.com",), ("id.access",))


def test_pages_of_other_origins_are_written_as_browsers_write_them() -> None:
    """Allowed origins are normalized as in browsers: lower case, no default port, no duplicates."""
    origins = ["https://Ops.Example.com", "https://ops.example.com:443", "http://localhost:3000"]
    assert admin(cors_origins=origins).cors_origins == (
        "https://ops.example.com",
        "http://localhost:3000",
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"access": {"team": "a b", "audience": "x"}},
            (
                'must be the team\'s name, or "https://<name>.cloudflareaccess.com" '
                "@ $.admin.access.team"
            ),
        ),
        (
            {"access": {"team": "http://team.example.com", "audience": "x"}},
            "must start with https://; http is for this machine alone @ $.admin.access.team",
        ),
        (
            {"access": {"team": f"{TEAM}/cdn-cgi/access/certs", "audience": "x"}},
            ("is scheme, host and perhaps a port, with nothing behind them @ $.admin.access.team"),
        ),
        ({"access": {"team": "team"}}, "missing: this key must be given @ $.admin.access.audience"),
        (
            {"access": {"team": "team", "audience": "x y"}},
            "must be the application's AUD tag, without spaces @ $.admin.access.audience",
        ),
        (
            {"access": {"team": "team", "audience": "x", "readers": ["a b"]}},
            ("must be a mail address or a client id, without spaces @ $.admin.access.readers[0]"),
        ),
        (
            {"access": {"team": "team", "audience": "x", "admins": []}},
            "unknown key @ $.admin.access.admins",
        ),
        (
            {"cors_origins": ["*"]},
            "must be a URL that starts with https:// @ $.admin.cors_origins[0]",
        ),
        (
            {"cors_origins": ["https://ops.example.com/"]},
            (
                "is scheme, host and perhaps a port, with nothing behind them "
                "@ $.admin.cors_origins[0]"
            ),
        ),
        (
            {"cors_origins": ["http://ops.example.com"]},
            ("must start with https://; http is for this machine alone @ $.admin.cors_origins[0]"),
        ),
    ],
)
def test_a_mistake_is_reported_where_it_is(fields: dict[str, Any], problem: str) -> None:
    """Each mistake is one problem, at its place."""
    assert problems(**fields) == [problem]
    # Partly valid entries let nobody in.
    assert admin_of({"admin": {"path": "/ops", **fields}}) == Admin(path="/ops")


@pytest.mark.parametrize("table", [None, 7, [], {"path": 5}, {"path": "x", "cors_origins": []}])
def test_without_a_path_that_can_be_read_it_is_the_usual_one(table: object) -> None:
    """An unreadable path leaves the admin side at its default path."""
    assert admin_of({"admin": table}) == Admin()
    assert admin_of({}) == Admin()
