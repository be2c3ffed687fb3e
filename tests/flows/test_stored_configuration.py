"""Version 0.1.0's stored configuration and signed tokens stay readable.

The values are those of tests/data/state_0_1; its README says how they were made.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from lb.admin.auth.gate import Gate
from lb.admin.auth.signed_in import Operator, Role, SignIn
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.catalog.changes import Action
from lb.catalog.managed import Kind
from lb.catalog.store import Changed
from lb.config import Invalid, parse
from lb.selection.affinity import CookieAffinity
from support.make import facts
from support.operator import ACCOUNT
from support.stored import STATE_0_1 as STORED
from support.successor import Successor

SITE, API = "service.example.com", "api.example.com"
IDS: dict[str, str] = STORED.known["ids"]
ONE, TWO, _, _ = STORED.known["addresses"].values()
ENDED, LASTING = "cD22DxwYUvtdmZj7", "zG9gs6DeyQ0kKwXB"


@pytest.fixture
def successor() -> Successor:
    """The successor, at the time when everything was written."""
    return Successor(STORED)


def test_every_version_is_there(successor: Successor) -> None:
    """Every version is listed with author, time and changes, and the next change is numbered on."""
    store = successor.store
    versions = store.versions()

    assert [each.summary for each in reversed(versions)] == [
        f"create monitor {IDS['shallow']}",
        f"create monitor {IDS['deep']}",
        f"create monitor group {IDS['both']}",
        "create pool replica",
        f"create load balancer {API}",
        "adopt 5 objects of the file",
        "drain spare in primary",
        f"update load balancer {API}",
        "create pool short-lived",
        "delete pool short-lived",
        "roll back to version 9",
        "set the weight of three in sessions to 0",
    ]
    assert {each.author for each in versions} == {"admin token"}
    assert (versions[0].version, versions[0].at) == (12, 1795792580.429)
    (weighed,) = store.changed_by(12) or ()
    assert (weighed.action, weighed.kind, weighed.id) == (
        Action.UPDATE,
        Kind.POOL,
        IDS["sessions"],
    )
    assert [(each.path, each.before, each.after) for each in weighed.fields] == [
        ("origins[1].weight", None, 0)
    ]
    assert len(store.changed_by(1) or ()) == 1
    before = store.stored(11)
    assert before is not None
    said = store.replace(before, author="ann@example.com", now=successor.now)
    assert isinstance(said, Changed)
    assert said.version == 13


def test_what_was_configured_serves(successor: Successor) -> None:
    """The stored configuration is the one that version 0.1.0 exported, with the same ids."""
    exported = parse(STORED.document("export.toml"))

    assert not isinstance(exported, Invalid)
    assert successor.config.load_balancers == exported.load_balancers
    assert successor.config.pools == exported.pools
    assert successor.config.notifications == exported.notifications
    assert tomllib.loads(successor.call("GET", "/export").body) == STORED.document("export.toml")
    assert {one.id for one in successor.store.catalog.objects.values()} >= set(IDS.values())
    assert successor.store.adopted
    assert successor.store.effective.problems == ()


def test_what_was_configured_beside_a_file_serves_with_it() -> None:
    """Stored objects beside a file that is not adopted serve with it; the file's are read-only."""
    successor = Successor(STORED, script="DELETE FROM versions WHERE id > 5;")
    catalog = successor.store.catalog

    assert not successor.store.adopted
    assert [lb.name for lb in successor.config.load_balancers] == [SITE, API]
    of_the_file = {one.name: one.id for one in catalog.objects.values() if one.read_only}
    assert of_the_file.keys() == {"web", "primary", "sessions", "parked", SITE}
    assert {name: of_the_file[name] for name in ("primary", "sessions", "parked")} == {
        name: IDS[name] for name in ("primary", "sessions", "parked")
    }
    assert catalog.objects[IDS["replica"]].document["monitor_group"] == IDS["both"]
    assert catalog.objects[IDS[API]].scope.startswith("zones/")


def test_a_preview_keeps_its_result(successor: Successor) -> None:
    """A preview keeps its result for an hour from its request."""
    path = f"{ACCOUNT}/preview/{STORED.known['preview']}"

    said = json.loads(successor.call("GET", path).body)["result"][IDS["primary"]]
    assert said["healthy"] is True
    found = {address: each for one in said["origins"] for address, each in one.items()}
    assert {
        address: (each["healthy"], each["failure_reason"], each["response_code"])
        for address, each in found.items()
    } == {ONE: (True, "No failures", 200), TWO: (False, "Response code mismatch", 500)}
    successor.now = 1795792580.518 + 3600
    assert successor.call("GET", path).status == 200
    successor.now += 0.001
    assert successor.call("GET", path).status == 404


def test_a_session_that_was_ended_stays_ended(successor: Successor) -> None:
    """An ended session stays ended until its natural expiry; other sessions continue."""
    assert successor.call("GET", "/versions", session=ENDED).status == 401
    assert successor.call("GET", "/versions", session=LASTING).status == 200

    successor.now = 1795835780.698
    successor.call("DELETE", "/session", session=LASTING, may_write=True)
    assert successor.call("GET", "/session", session=ENDED).status == 401
    successor.now += 1
    successor.call("DELETE", "/session", session="another", may_write=True)
    assert successor.call("GET", "/session", session=ENDED).status == 200


def test_a_login_outlives_the_version_that_gave_it(successor: Successor) -> None:
    """A session from before the update stays valid because the same tokens sign it."""
    secrets = STORED.secrets
    admin, read = secrets["LB_ADMIN_TOKEN"], secrets["LB_READ_TOKEN"]
    tokens = tokens_of(admin, read, str(successor.config.admin))
    assert isinstance(tokens, Tokens)
    gate = Gate(tokens)

    def who(which: str, now: float = STORED.at) -> tuple[Any, ...] | None:
        found = gate.authenticate(facts(cookie=STORED.known[which]), None, now)
        if found is None:
            return None
        assert isinstance(found, Operator)
        return found.role, found.sign_in, found.author, found.session

    assert who("ended_session") == (Role.ADMIN, SignIn.SESSION, "admin token", ENDED)
    assert who("lasting_session") == (Role.READ, SignIn.SESSION, "read token", LASTING)
    assert who("lasting_session", STORED.at + 12 * 3600) is None


def test_a_client_stays_with_its_origin(successor: Successor) -> None:
    """A client's cookie still pins it to its origin."""
    balancer = next(lb for lb in successor.config.load_balancers if lb.name == SITE)
    affinity = CookieAffinity(balancer, STORED.secrets["LB_COOKIE_KEY"])

    found = affinity.pinned(facts(cookie=STORED.known["cookie"]))
    assert found is not None
    assert found.key == ("sessions", "three")
    assert (
        CookieAffinity(balancer, "another key").pinned(facts(cookie=STORED.known["cookie"])) is None
    )
