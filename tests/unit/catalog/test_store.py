"""Managed objects from a file and from the API, as one configuration with versions."""

from __future__ import annotations

import json

import pytest

from lb.catalog.managed import Catalog, Kind, Managed
from lb.catalog.merging import composed, objects_in, settings_in
from lb.catalog.references import TABLES, referred, renamed
from lb.catalog.store import Changed, ConfigStore, Referenced, Rejected
from lb.config import Invalid, from_toml, parse, source_in_toml
from lb.config.reading.tables import Table
from lb.config.reading.values import ListOf, MapOf, Reference
from lb.model import Config
from support.office import FILE, Office
from support.state import START, Database

POOL_ID = "a" * 32
EVERY_REFERENCE = """
[[monitors]]
name = "m"
[[monitor_groups]]
id = "g"
description = ""
members = [{ monitor_id = "m", enabled = true, monitoring_only = false, must_be_healthy = true }]
[[pools]]
name = "a"
monitor = "m"
origins = [{ name = "o", address = "a.example.com", maintenance = [
  { from = 2026-12-01T22:00:00Z, to = 2026-12-02T22:00:00Z } ] }]
[[pools]]
name = "b"
monitor_group = "g"
origins = [{ name = "o", address = "b.example.com" }]
[[pools]]
name = "c"
origins = [{ name = "o", address = "c.example.com" }]
[[load_balancers]]
name = "x.example.com"
default_pools = ["a", "b"]
fallback_pool = "b"
mirror = { pool = "c", percent = 1 }
random_steering = { pool_weights = { a = 0.5 } }
country_pools = { DE = ["a"] }
region_pools = { WEU = ["b"] }
pop_pools = { FRA = ["a"] }
rules = [
  { name = "r", overrides = { default_pools = ["b"], fallback_pool = "a" } },
]
pool_sets = [
  { name = "s", match = { default = true }, overrides = { pools = ["a"], fallback_pool = "b" } },
]
[[notifications]]
name = "n"
type = "webhook"
secret = "HOOK"
pools = ["a"]
"""


def pool(one: str = POOL_ID, name: str = "new", **fields: object) -> Managed:
    """Return a pool as the API creates it."""
    document = {"name": name, "origins": [{"name": "o", "address": "new.example.com"}], **fields}
    return Managed(kind=Kind.POOL, id=one, document=document, scope="accounts/1")


def configuration(text: str) -> Config:
    """Return the configuration of a file."""
    parsed = from_toml(text)
    assert isinstance(parsed, Config), parsed
    return parsed


def test_a_file_comes_back_from_its_objects_as_it_was() -> None:
    """Converting a file's names to ids and back gives the same configuration."""
    document = source_in_toml(EVERY_REFERENCE).document
    catalog = Catalog({one.id: one for one in objects_in(document)})

    again = parse(composed(catalog, settings_in(document)).document)

    assert again == configuration(EVERY_REFERENCE)


def test_every_reference_of_an_object_is_an_id() -> None:
    """Every reference to another object is an id."""
    objects = objects_in(source_in_toml(EVERY_REFERENCE).document)
    ids = {one.id for one in objects}

    found = {one.name: referred(one) for one in objects}

    assert {len(found["a"]), len(found["b"]), len(found["g"])} == {1}
    assert len(found["x.example.com"]) == 3
    assert {each.id for each in set().union(*found.values())} <= ids


def kinds_within(kind: object) -> list[object]:
    """Return a kind and all kinds nested in it."""
    inner: list[object] = []
    if isinstance(kind, Table):
        inner = [field.kind for field in kind.fields]
    elif isinstance(kind, ListOf):
        inner = [kind.kind]
    elif isinstance(kind, MapOf):
        inner = [kind.key, kind.kind]
    return [kind, *(each for one in inner for each in kinds_within(one))]


@pytest.mark.parametrize("kind", Kind)
def test_no_reference_hides_in_a_kind_that_is_not_looked_into(kind: Kind) -> None:
    """References occur only in tables, lists and maps, which are the kinds that renaming visits."""
    for each in kinds_within(TABLES[kind]):
        if not isinstance(each, Table | ListOf | MapOf | Reference):
            held = [getattr(each, name, None) for name in getattr(each, "__slots__", ())]
            assert not any(isinstance(one, Reference) for one in held), each


def test_what_has_another_shape_is_left_to_the_validation() -> None:
    """Renaming leaves values of the wrong type unchanged, for the validation to report."""
    odd = {"default_pools": 5, "fallback_pool": ["x"], "country_pools": [], "rules": "no"}

    assert renamed(Kind.LOAD_BALANCER, odd, lambda *_: "?") == odd


def test_the_file_serves_until_there_is_a_change() -> None:
    """Without changes, the file serves, and its objects are visible and read-only."""
    store = ConfigStore(Database(), source_in_toml(FILE))

    assert store.version == 0
    assert store.effective.config == configuration(FILE)
    assert all(one.read_only for one in store.catalog.objects.values())


def test_a_change_is_a_version_and_serves_at_once() -> None:
    """A change makes a version, which serves at once and survives an eviction."""
    sql = Database()
    store = ConfigStore(sql, source_in_toml(FILE))

    said = store.change([pool()], author="me", now=START)

    assert isinstance(said, Changed)
    assert said.version == 1
    again = ConfigStore(sql, source_in_toml(FILE))
    for one in (store, again):
        assert one.version == 1
        assert one.effective.config is not None
        assert [each.name for each in one.effective.config.pools] == ["primary", "replica", "new"]
    assert [(each.author, each.summary) for each in again.versions()] == [("me", "create pool new")]


def test_a_change_is_one_row_written() -> None:
    """A change writes one row, so that it is stored whole or not at all."""
    sql = Database()
    store = ConfigStore(sql, source_in_toml(FILE))
    before = sql.written

    store.change([pool()], author="me", now=START)

    assert sql.written == before + 1


def test_the_same_again_is_no_version() -> None:
    """Repeating a change makes no version."""
    store = ConfigStore(Database(), source_in_toml(FILE))
    store.change([pool()], author="me", now=START)

    said = store.change([pool()], author="me", now=START)

    assert isinstance(said, Changed)
    assert (said.version, said.changes) == (1, ())


def test_a_bad_change_is_refused_with_every_problem_at_its_place() -> None:
    """An invalid change is refused with each problem and its place, and the configuration stays."""
    store = ConfigStore(Database(), source_in_toml(FILE))
    bad = pool(minimum_origins=-1, origins=[{"name": "o", "address": "x.example.com", "weight": 2}])

    said = store.change([bad], author="me", now=START)

    assert isinstance(said, Rejected)
    assert {one.pointer for one in said.wrong} == {"/minimum_origins", "/origins/0/weight"}
    assert [one.owner for one in said.wrong] == [bad, bad]
    assert store.version == 0


def test_problems_call_objects_by_their_names() -> None:
    """Problems use the names of objects, not places in a composed document."""
    store = ConfigStore(Database(), source_in_toml(FILE))
    store.change([pool()], author="me", now=START)

    said = store.change([pool("b" * 32)], author="me", now=START)

    assert isinstance(said, Rejected)
    assert [one.message for one in said.wrong] == ['"new" is the name of pools "new" already']


def test_an_object_that_others_refer_to_is_not_deleted() -> None:
    """An object with references to it can only be deleted together with the referring objects."""
    store = ConfigStore(Database(), source_in_toml(FILE))
    balancer = Managed(
        kind=Kind.LOAD_BALANCER,
        id="c" * 32,
        document={"name": "n.example.com", "default_pools": [POOL_ID], "fallback_pool": POOL_ID},
    )
    store.change([pool(), balancer], author="me", now=START)

    said = store.change(deletes=[POOL_ID], author="me", now=START)
    both = store.change(deletes=[POOL_ID, balancer.id], author="me", now=START)

    assert isinstance(said, Referenced)
    assert [one.name for one in said.by[POOL_ID]] == ["n.example.com"]
    assert isinstance(both, Changed)
    assert both.version == 2


def test_no_new_object_hides_one_of_the_file() -> None:
    """A new object cannot have the name of an object of the file, whose traffic it would take."""
    store = ConfigStore(Database(), source_in_toml(FILE))

    said = store.change([pool(name="primary")], author="me", now=START)

    assert isinstance(said, Rejected)
    assert [(one.pointer, one.taken) for one in said.wrong] == [("/name", True)]


def test_a_file_that_comes_later_gives_way_to_the_api() -> None:
    """If a later file has a pool with the name of one from the API, the API's pool serves."""
    office = Office()
    office.store.change([pool()], author="me", now=START)
    office.file = FILE.replace('"replica"', '"new"')

    store = office.evicted()

    assert store.effective.problems == ()
    named = store.catalog.named(Kind.POOL, "new")
    assert named is not None
    assert named.id == POOL_ID
    config = store.effective.config
    assert config is not None
    assert config.load_balancers[0].default_pools[1].origins[0].url == "https://new.example.com"


@pytest.mark.parametrize(
    "file",
    [
        FILE.replace('name = "web"', 'name = "other"').replace('monitor = "web"', ""),
        FILE + "wieght = 1",
        "not TOML",
    ],
)
def test_a_file_that_does_not_go_with_the_api_leaves_the_last_good_one_serving(file: str) -> None:
    """If a later file is bad or lacks referenced objects, the last valid configuration serves."""
    office = Office()
    web = office.store.catalog.named(Kind.MONITOR, "web")
    assert web is not None
    office.store.change([pool(monitor=web.id)], author="me", now=START)
    before = office.store.effective.config
    office.file = file

    store = office.evicted()

    assert store.effective.config == before
    assert store.effective.problems
    # The API can still repair the configuration.
    said = store.change([pool()], author="me", now=START)
    assert isinstance(said, Changed)


def test_adopted_objects_are_the_apis_own() -> None:
    """Adopted objects keep their ids and values, and a later file does not change them."""
    office = Office()
    ids = set(office.store.catalog.objects)

    said = office.result("POST", "/adopt")

    assert {one["id"] for one in said["adopted"]} == ids == set(office.store.catalog.objects)
    assert not any(one.read_only for one in office.store.catalog.objects.values())
    office.file = FILE.replace("one.example.com", "elsewhere.example.com")
    assert office.evicted().effective.config == configuration(FILE)
    assert office.result("POST", "/adopt") == {"version": 1, "adopted": []}


def test_a_document_is_applied_whole() -> None:
    """Applying a document updates objects by name and deletes the others, in one version."""
    office = Office()
    before = {one.name: one.id for one in office.store.catalog.objects.values()}
    document = {
        "pools": [{"name": "primary", "origins": [{"name": "n", "address": "n.example.com"}]}],
        "load_balancers": [
            {"name": "n.example.com", "default_pools": ["primary"], "fallback_pool": "primary"}
        ],
    }

    dry = office.result("POST", "/apply?dry_run=true", document)
    said = office.result("POST", "/apply", document)

    assert (dry["version"], dry["applied"], dry["adopts"]) == (0, False, True)
    assert (said["version"], said["applied"], said["adopts"]) == (1, True, True)
    assert office.result("POST", "/apply", document)["adopts"] is False
    assert dry["changes"] == said["changes"]
    assert {(one["action"], one["name"]) for one in said["changes"]} == {
        ("update", "primary"),
        ("create", "n.example.com"),
        ("delete", "web"),
        ("delete", "replica"),
        ("delete", "service.example.com"),
    }
    kept = office.store.catalog.named(Kind.POOL, "primary")
    assert kept is not None
    assert kept.id == before["primary"]


def test_changes_call_others_by_their_names() -> None:
    """Listed changes show the names of referenced objects, not their ids."""
    office = Office()
    document = {
        "pools": [
            {"name": "primary", "origins": [{"name": "n", "address": "n.example.com"}]},
            {"name": "third", "origins": [{"name": "n", "address": "n.example.com"}]},
        ],
        "load_balancers": [
            {
                "name": "service.example.com",
                "default_pools": ["third", "primary"],
                "fallback_pool": "primary",
                "country_pools": {"DE": ["third"]},
                "session_affinity": "cookie",
            }
        ],
    }

    changes = office.result("POST", "/apply?dry_run=true", document)["changes"]
    served = next(one for one in changes if one["name"] == "service.example.com")

    assert served["action"] == "update"
    assert {one["path"]: (one["before"], one["after"]) for one in served["fields"]} == {
        "default_pools[0]": ("primary", "third"),
        "default_pools[1]": ("replica", "primary"),
        "country_pools": (None, {"DE": ["third"]}),
    }


def test_every_problem_of_a_document_is_told() -> None:
    """Every problem of a document is reported with its place."""
    document = {"pools": [{"name": "a b", "origins": []}], "nonsense": 1}

    errors = Office().errors("POST", "/apply", document)

    assert {one["source"]["pointer"] for one in errors} == {
        "/pools/0/name",
        "/pools/0/origins",
        "/nonsense",
    }
    assert {one["code"] for one in errors} == {1002}


@pytest.mark.parametrize("body", ["", "[]", "{", "[" * 100_000, "null", '"x"'])
def test_what_is_no_document_is_refused(body: str) -> None:
    """A body that is no JSON object is refused."""
    said = Office().call("POST", "/apply", body)

    assert said.status == 400


def test_a_version_says_what_it_changed_and_can_be_gone_back_to() -> None:
    """A version lists its changes, and a rollback to it makes a version of its own."""
    office = Office()
    office.result("POST", "/adopt")
    office.author = "somebody"
    one = office.store.catalog.named(Kind.POOL, "primary")
    assert one is not None
    document = {**one.document, "enabled": False}
    office.store.change(
        [Managed(kind=Kind.POOL, id=one.id, document=document)], author="somebody", now=START
    )

    (latest, first) = office.result("GET", "/versions")
    changes = office.result("GET", "/versions/2")["changes"]
    office.result("POST", "/versions/1/rollback")

    assert (latest["author"], latest["summary"]) == ("somebody", "update pool primary")
    assert (latest["current"], first["current"]) == (True, False)
    assert [each["fields"] for each in changes] == [
        [{"path": "enabled", "before": None, "after": False}]
    ]
    assert office.store.version == 3
    assert office.store.effective.config == configuration(FILE)


def test_the_adopting_version_changes_no_object() -> None:
    """The version of an adoption lists no changes, only a summary."""
    office = Office()
    office.result("POST", "/adopt")

    said = office.result("GET", "/versions/1")

    assert said["changes"] == []
    assert said["summary"] == "adopt 4 objects of the file"


@pytest.mark.parametrize("path", ["/versions/0", "/versions/7", "/versions/x", "/versions/-1"])
def test_a_version_that_is_not_kept_is_not_found(path: str) -> None:
    """A version that does not exist, or is no longer kept, is not found."""
    assert Office().call("GET", path).status == 404


def test_a_change_can_ask_that_nobody_else_made_one() -> None:
    """A change whose If-Match names an older version is refused."""
    office = Office()
    office.result("POST", "/adopt", if_match='"0"')

    said = office.call("POST", "/versions/0/rollback", if_match='"0"')

    assert said.status == 412
    assert office.call("POST", "/versions/0/rollback", if_match='"1"').status == 200


@pytest.mark.parametrize("file", [FILE, EVERY_REFERENCE])
def test_an_export_says_the_same(file: str) -> None:
    """Deploying an export gives the same configuration, and applying it changes nothing."""
    office = Office(file)
    office.result("POST", "/adopt")

    text = office.call("GET", "/export").body

    assert configuration(text) == configuration(file)
    document = json.loads(json.dumps(source_in_toml(text).document, default=str))
    assert office.result("POST", "/apply?dry_run=1", document)["changes"] == []


def test_an_export_holds_whatever_text_an_object_has() -> None:
    """An export escapes quotes, line breaks and control characters as TOML requires."""
    office = Office()
    text = "\"'\\ \t\n\r \x7f \x01 ü 😀 # ] }"
    office.store.change([pool(description=text)], author="me", now=START)

    again = configuration(office.call("GET", "/export").body)

    assert again.pools[2].description == text


def test_only_the_latest_versions_are_kept() -> None:
    """The latest hundred versions are kept, and their numbers go on."""
    office = Office()
    for number in range(105):
        office.store.change([pool(description=str(number))], author="me", now=START + number)

    found = office.store.versions()

    assert (found[0].version, found[-1].version, len(found)) == (105, 6, 100)


def test_nothing_may_be_changed_by_who_may_only_read() -> None:
    """A read-only operator can change nothing."""
    office = Office()

    assert office.call("POST", "/adopt", may_write=False).status == 403
    assert office.call("GET", "/versions", may_write=False).status == 200
    assert office.store.version == 0


def test_settings_stay_those_of_the_deployment() -> None:
    """Applying other settings is reported and leaves the deployment's settings in force."""
    office = Office()
    document = {**json.loads(json.dumps(source_in_toml(FILE).document)), "admin": {"path": "/x"}}

    said = json.loads(office.call("POST", "/apply", document).body)

    assert [note["message"] for note in said["messages"]] == [
        "admin comes with a deployment alone: it stays as it is"
    ]
    assert not isinstance(source_in_toml(FILE).parsed, Invalid)
