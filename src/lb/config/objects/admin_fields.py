"""The admin section: its path, and who is let in without a token."""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lb.config.reading.host_names import Address, endpoint_problem, parse_address
from lb.config.reading.names import ADMIN_PATH
from lb.config.reading.problems import Place, Reader
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Boolean, ListOf, Text, matching
from lb.model import Access, Admin

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEAM_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_TEAM_DOMAIN = "cloudflareaccess.com"
_NOTHING_BEHIND = "is scheme, host and perhaps a port, with nothing behind them"


def _origin_problem(text: str) -> str | None:
    problem = endpoint_problem(text.lower())
    if problem is not None:
        return problem
    return None if _bare(text) else _NOTHING_BEHIND


def _team_problem(text: str) -> str | None:
    name = text.lower()
    if _TEAM_NAME.fullmatch(name):
        return None
    if "://" not in name:
        return f'must be the team\'s name, or "https://<name>.{_TEAM_DOMAIN}"'
    return _origin_problem(name.removesuffix("/"))


def _bare(text: str) -> str:
    """Return an origin as browsers write it (RFC 6454, 6.2); empty = not an origin."""
    address = parse_address(text)
    return address.url() if isinstance(address, Address) and not text.endswith("/") else ""


def _make_access(record: Record, reader: Reader) -> Access:
    del reader
    team = record.text("team")
    if "://" not in team:
        team = f"https://{team}.{_TEAM_DOMAIN}"
    return record.build(
        Access, team=_bare(team.removesuffix("/")), audience=record.text("audience")
    )


def _make_admin(record: Record, reader: Reader) -> Admin:
    del reader
    origins = [_bare(each) for each in record.items("cors_origins") if isinstance(each, str)]
    return record.build(Admin, cors_origins=tuple(dict.fromkeys(origins)))


OWNER_ID = Text(
    most=128,
    rule=matching("[A-Za-z0-9_.-]*", 'must have letters, digits and "-_." only'),
    words="identifier",
)

_PERSON = ListOf(
    kind=Text(
        least=1,
        most=320,
        rule=matching("[!-~]+", "must be a mail address or a client id, without spaces"),
        words="mail address, or client id of a service token",
        fold=True,
    ),
    most=1000,
)

ACCESS = Table(
    name="admin.access",
    doc=(
        "Lets in whom Cloudflare Access knows, without a token. Without `readers` and `writers`, "
        "everybody that the application's policies let in may change everything."
    ),
    make=_make_access,
    fields=(
        Field(
            "team",
            Text(least=1, most=253, rule=_team_problem, words="team name, or URL", fold=True),
            REQUIRED,
            "The team whose Access protects the admin path: `https://<team>.cloudflareaccess.com`.",
        ),
        Field(
            "audience",
            Text(
                least=1,
                most=256,
                rule=matching("[!-~]+", "must be the application's AUD tag, without spaces"),
                words="AUD tag",
            ),
            REQUIRED,
            "The application's Application Audience (AUD) tag.",
        ),
        Field("readers", _PERSON, [], "Who may look; with `writers` alone, everybody else."),
        Field("writers", _PERSON, [], "Who may change things; with `readers` alone, nobody."),
    ),
)

ADMIN = Table(
    name="admin",
    doc="The admin API; without the secret `LB_ADMIN_TOKEN` it does not exist.",
    make=_make_admin,
    fields=(
        Field("path", ADMIN_PATH, "/_lb", "Where it is served."),
        Field("access", ACCESS, None, "Who else gets in, by Cloudflare Access."),
        Field(
            "cors_origins",
            ListOf(
                kind=Text(
                    least=1, most=300, rule=_origin_problem, words="`https://host`", fold=True
                ),
                most=100,
            ),
            [],
            "Pages elsewhere that may use it, with a token.",
        ),
        Field(
            "public_page",
            Boolean(),
            False,
            "Whether `<path>/public` tells anybody which load balancers are up or down.",
        ),
        Field(
            "account_id",
            OWNER_ID,
            "",
            "The only account that Cloudflare's API knows here, with the objects of all; "
            "empty: any, each with its own.",
        ),
        Field("zone_id", OWNER_ID, "", "Of zones, as `account_id`."),
    ),
)


def admin_of(document: Mapping[str, object]) -> Admin:
    """Return the admin section of a document, even if the rest of it is invalid.

    So that the admin side is where the operator looks for it, to mend the rest. Of a bad table, the
    path alone counts: nobody gets in but by a token.
    """
    reader, at = Reader(), Place() / "admin"
    found = ADMIN.read(document.get("admin") or {}, at, reader)
    if not isinstance(found, Admin) or not reader.fine(at, "path"):
        return Admin()
    return Admin(path=found.path) if reader.problems else found
