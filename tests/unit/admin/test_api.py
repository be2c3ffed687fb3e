"""Cloudflare's load balancing API, as the Durable Object answers it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lb.admin.api.routes import ANY, BY_OWNER
from support.api import ORIGIN, A, Api, Z
from support.office import FILE, Office
from support.state import START

AT = "2026-09-21T14:13:20Z"
LATER = "2026-09-21T14:14:20Z"


@pytest.fixture
def api() -> Api:
    """Return a caller of an empty balancer."""
    return Api()


def test_an_object_comes_back_as_it_was_sent_with_what_is_computed(api: Api) -> None:
    """Ids are 32 hexadecimal digits, times RFC 3339; other keys have their defaults."""
    made = api.result("POST", f"{A}/monitors", {"type": "https", "description": "web"})

    assert len(bytes.fromhex(made["id"])) == 16
    assert made == {
        "id": made["id"],
        "type": "https",
        "description": "web",
        "method": "GET",
        "path": "/",
        "expected_codes": "200",
        "expected_body": "",
        "interval": 60,
        "timeout": 5,
        "retries": 2,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "follow_redirects": False,
        "allow_insecure": False,
        "probe_zone": "",
        "created_on": AT,
        "modified_on": AT,
    }
    assert api.result("GET", f"{A}/monitors/{made['id']}") == made


def test_a_tcp_monitor_has_the_defaults_of_its_type(api: Api) -> None:
    """It has no path and no status code."""
    made = api.result("POST", f"{A}/monitors", {"type": "tcp", "port": 5432})

    assert (made["method"], made["path"], made["expected_codes"]) == (
        "connection_established",
        "",
        "",
    )


def test_pools_and_load_balancers_show_their_defaults(api: Api) -> None:
    """A pool always has check_regions, and each origin its weight."""
    pool = api.result("POST", f"{A}/pools", {"name": "p", "origins": [ORIGIN]})
    balancer = {"name": "www.example.com", "default_pools": [pool["id"]]}
    served = api.result("POST", Z, {**balancer, "fallback_pool": pool["id"]})

    assert pool["origins"] == [{**ORIGIN, "enabled": True, "weight": 1, "flatten_cname": True}]
    assert {key: pool[key] for key in ("enabled", "minimum_origins", "check_regions")} == {
        "enabled": True,
        "minimum_origins": 1,
        "check_regions": None,
    }
    assert (pool["monitor"], pool["notification_email"]) == (None, "")
    assert pool["networks"] == ["cloudflare"]
    assert "disabled_at" not in pool
    assert served["zone_name"] == "example.com"
    assert (served["proxied"], served["enabled"]) == (False, True)
    assert (served["steering_policy"], served["session_affinity"]) == ("", "none")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("www.example.com", "example.com"),
        ("example.com", "example.com"),
        ("*.shop.example.com", "example.com"),
        ("www.example.co.uk", "example.co.uk"),
        ("*", ""),
    ],
)
def test_the_zone_of_a_name_is_guessed(api: Api, name: str, zone: str) -> None:
    """A Worker does not know which zones there are."""
    identifier = api.balancer(api.pool(), name=name)

    assert api.result("GET", f"{Z}/{identifier}")["zone_name"] == zone


def test_put_replaces_and_patch_keeps(api: Api) -> None:
    """A key that PUT leaves out has its default again."""
    monitor = api.monitor(path="/health", interval=30)

    edited = api.result("PATCH", f"{A}/monitors/{monitor}", {"retries": 0})
    assert (edited["path"], edited["interval"], edited["retries"]) == ("/health", 30, 0)

    replaced = api.result("PUT", f"{A}/monitors/{monitor}", {"interval": 90})
    assert (replaced["path"], replaced["interval"], replaced["retries"]) == ("/", 90, 2)


def test_times_are_those_of_the_creation_and_the_latest_change(api: Api) -> None:
    """A request that changes nothing leaves them."""
    monitor = api.monitor(path="/health")
    api.office.now += 60
    same = api.result("PUT", f"{A}/monitors/{monitor}", {"path": "/health"})
    other = api.result("PUT", f"{A}/monitors/{monitor}", {"path": "/"})

    assert (same["created_on"], same["modified_on"]) == (AT, AT)
    assert (other["created_on"], other["modified_on"]) == (AT, LATER)
    assert api.office.store.version == 2


def test_computed_fields_are_ignored(api: Api) -> None:
    """Callers send objects back as they read them."""
    pool = api.pool()
    read = api.result("GET", f"{A}/pools/{pool}")
    forged = {"id": "x", "created_on": "x", "modified_on": 3, "disabled_at": AT, "healthy": True}

    assert api.result("PUT", f"{A}/pools/{pool}", {**read, **forged}) == read


def test_disabling_sets_a_time(api: Api) -> None:
    """This holds for pools and origins until they are enabled; other changes leave the time."""
    off = {**ORIGIN, "enabled": False}
    pool = api.pool(enabled=False, origins=[off])
    path = f"{A}/pools/{pool}"
    api.office.now += 60

    changed = api.result("PATCH", path, {"description": "d", "origins": [{**off, "weight": 0.5}]})
    assert (changed["disabled_at"], changed["origins"][0]["disabled_at"]) == (AT, AT)

    back = api.result("PATCH", path, {"enabled": True, "origins": [ORIGIN]})
    assert "disabled_at" not in back
    assert "disabled_at" not in back["origins"][0]

    again = api.result("PATCH", path, {"origins": [off]})
    assert again["origins"][0]["disabled_at"] == LATER


def test_empty_values_stay_as_sent(api: Api) -> None:
    """null, "" and 0 come back as they were sent."""
    sent = {
        "name": "p",
        "origins": [{**ORIGIN, "port": 0, "header": {}, "virtual_network_id": ""}],
        "check_regions": None,
        "notification_filter": None,
        "description": "",
        "minimum_origins": 0,
        "latitude": 0,
        "longitude": 0,
        "monitor": "",
    }
    made = api.result("POST", f"{A}/pools", sent)

    assert {key: made[key] for key in sent if key != "origins"} == {
        key: value for key, value in sent.items() if key != "origins"
    }
    assert made["origins"] == [
        {**ORIGIN, "port": 0, "header": {}, "virtual_network_id": "", "enabled": True}
        | {"weight": 1, "flatten_cname": True}
    ]


def test_what_has_no_effect_is_named(api: Api) -> None:
    """`messages` has it with a pointer, each time that the object is read."""
    said = api.envelope("POST", f"{A}/monitors", {"interval": 0, "allow_insecure": True, "x": 1})

    assert {each["source"]["pointer"]: each["message"] for each in said["messages"]} == {
        "/interval": "interval: 0 stands for the default",
        "/allow_insecure": (
            "allow_insecure: kept without effect: a Worker always checks certificates"
        ),
        "/x": "x: unknown key, kept without effect",
    }
    assert said["result"]["x"] == 1
    assert all(each["code"] >= 1000 for each in said["messages"])
    again = api.notes("GET", f"{A}/monitors/{said['result']['id']}")
    assert set(again) == {"/interval", "/allow_insecure", "/x"}


def test_an_origin_out_of_reach_is_named(api: Api) -> None:
    """It is kept, and gets no traffic."""
    body = {"name": "p", "origins": [ORIGIN, {"name": "b", "address": "192.0.2.1"}]}

    assert list(api.notes("POST", f"{A}/pools", body)) == ["/origins/1/address"]


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        (
            "pools",
            {"name": "p", "origins": [{"name": "o", "address": "nas.lan"}]},
            "/origins/0/address",
        ),
        (
            "pools",
            {"name": "p", "origins": [{"name": "o", "address": "a.acme.io:81"}]},
            "/origins/0/address",
        ),
        ("monitors", {"method": "HEAD", "expected_body": "ok"}, "/expected_body"),
        ("monitors", {"header": {"Host": ["app.acme.io"]}}, "/header/Host"),
    ],
)
def test_what_can_never_work_is_named_at_its_creation_and_later(
    api: Api, kind: str, body: dict[str, Any], pointer: str
) -> None:
    """A monitor's Host was named only once a pool used the monitor, and nas.local never."""
    said = api.envelope("POST", f"{A}/{kind}", body)

    assert [each["source"]["pointer"] for each in said["messages"]] == [pointer]
    assert list(api.notes("GET", f"{A}/{kind}/{said['result']['id']}")) == [pointer]


def test_all_problems_are_reported_at_once(api: Api) -> None:
    """Each has the code 1002 and a pointer into the body."""
    body = {
        "name": 3,
        "origins": [{"name": "a", "address": "a.example.com", "weight": 2}, 7],
        "latitude": 100,
    }

    assert api.errors(400, "POST", f"{A}/pools", body) == [
        (1002, "/name"),
        (1002, "/origins/0/weight"),
        (1002, "/origins/1"),
        (1002, "/latitude"),
    ]
    assert api.result("GET", f"{A}/pools") == []


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("pools", {}, ["/name", "/origins"]),
        ("pools", {"name": "p", "origins": []}, ["/origins"]),
        ("monitor_groups", {}, ["/description", "/members"]),
        ("", {}, ["/name", "/default_pools", "/fallback_pool"]),
    ],
)
def test_required_keys_are_named(
    api: Api, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    """Required keys are those of Cloudflare."""
    found = api.errors(400, "POST", f"{A}/{path}", body)

    assert found == [(1002, pointer) for pointer in pointers]


def test_a_name_that_is_taken_is_refused(api: Api) -> None:
    """The answer is 400 with 1003, never 409, which clients would send again."""
    pool = api.pool("primary")
    other = api.pool("other")
    api.balancer(pool)

    body = {"name": "Primary", "origins": [ORIGIN]}
    assert api.errors(400, "POST", f"{A}/pools", body) == [(1003, "/name")]
    assert api.errors(400, "PATCH", f"{A}/pools/{other}", {"name": "primary"}) == [(1003, "/name")]
    balancer = {"name": "WWW.example.com", "default_pools": [pool], "fallback_pool": pool}
    assert api.errors(400, "POST", Z, balancer) == [(1003, "/name")]


def test_what_is_referred_to_cannot_be_deleted(api: Api) -> None:
    """In the wrong order it is 412 with 1005; in the right one everything is deleted."""
    monitor = api.monitor()
    pool = api.pool(monitor=monitor)
    balancer = api.balancer(pool)

    assert api.errors(412, "DELETE", f"{A}/monitors/{monitor}") == [(1005, None)]
    assert api.errors(412, "DELETE", f"{A}/pools/{pool}") == [(1005, None)]
    assert api.result("DELETE", f"{Z}/{balancer}") == {"id": balancer}
    assert api.result("DELETE", f"{A}/pools/{pool}") == {"id": pool}
    assert api.result("DELETE", f"{A}/monitors/{monitor}") == {"id": monitor}
    assert api.errors(404, "DELETE", f"{A}/monitors/{monitor}") == [(1001, None)]


def test_a_group_is_made_of_monitors(api: Api) -> None:
    """Members have times of their own; a deletion is answered with the whole object."""
    monitor = api.monitor()
    member = {"monitor_id": monitor, "enabled": True}
    member |= {"monitoring_only": False, "must_be_healthy": True}
    sent = {"description": "both", "members": [member]}
    group = api.result("POST", f"{A}/monitor_groups", sent)

    assert group["members"] == [{**member, "created_at": AT, "updated_at": AT}]
    assert api.errors(412, "DELETE", f"{A}/monitors/{monitor}") == [(1005, None)]
    api.office.now += 60
    path = f"{A}/monitor_groups/{group['id']}"
    changed = api.result("PATCH", path, {"members": [{**member, "must_be_healthy": False}]})
    assert changed["members"][0]["created_at"] == AT
    assert changed["members"][0]["updated_at"] == LATER
    assert api.result("DELETE", path) == changed


@pytest.mark.parametrize("kind", ["monitors", "pools", "monitor_groups"])
def test_what_is_not_there_is_not_found(api: Api, kind: str) -> None:
    """No method finds it."""
    path = f"{A}/{kind}/{'0' * 32}"
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert api.errors(404, method, path, {}) == [(1001, None)]
    assert api.errors(404, "GET", f"{path}/references") == [(1001, None)]


def test_objects_are_seen_where_they_were_made(api: Api) -> None:
    """Any account and zone id is accepted; under another one its objects are not found."""
    monitor = api.monitor()
    balancer = api.balancer(api.pool())

    assert [one["id"] for one in api.result("GET", f"{A}/monitors")] == [monitor]
    assert api.result("GET", "/accounts/a2/load_balancers/monitors") == []
    assert api.result("GET", "/user/load_balancers/monitors") == []
    assert api.errors(404, "GET", f"/accounts/a2/load_balancers/monitors/{monitor}")
    assert api.errors(404, "GET", f"{A}/{balancer}")
    assert [one["id"] for one in api.result("GET", Z)] == [balancer]


def test_the_configuration_can_fix_the_account_and_the_zone(api: Api) -> None:
    """There is no other id then, and all objects are visible under it."""
    monitor = api.monitor()
    balancer = api.balancer(api.pool())
    api.office.file = '[admin]\naccount_id = "mine"\nzone_id = "example.com"\n'
    api.office.evicted()

    assert api.errors(404, "GET", f"{A}/monitors") == [(7003, None)]
    assert api.errors(404, "GET", Z) == [(7003, None)]
    mine = "/accounts/mine/load_balancers/monitors"
    assert [one["id"] for one in api.result("GET", mine)] == [monitor]
    assert [one["id"] for one in api.result("GET", "/zones/example.com/load_balancers")] == [
        balancer
    ]


def test_there_are_load_balancers_of_accounts_and_objects_of_users(api: Api) -> None:
    """Cloudflare's API has the same paths for accounts and users."""
    pool = api.result("POST", "/user/load_balancers/pools", {"name": "p", "origins": [ORIGIN]})
    body = {"name": "a.example.com", "default_pools": [pool["id"]], "fallback_pool": pool["id"]}
    made = api.result("POST", A, body)

    assert api.result("GET", A) == [made]
    assert api.result("GET", f"/user/load_balancers/pools/{pool['id']}") == pool


def test_objects_of_the_file_are_seen_everywhere_and_not_changed() -> None:
    """The refusal says how to make them changeable."""
    api = Api(Office(file=FILE))
    pools = api.result("GET", f"{A}/pools")
    path = f"{A}/pools/{pools[0]['id']}"

    assert [one["name"] for one in pools] == ["primary", "replica"]
    assert api.errors(403, "PUT", path, pools[0]) == [(1008, None)]
    assert "evenkeel adopt" in api.call("DELETE", path).body
    taken = {"name": "primary", "origins": [ORIGIN]}
    assert api.errors(400, "POST", f"{A}/pools", taken) == [(1003, "/name")]

    api.office.result("POST", "/adopt")
    assert api.result("PATCH", path, {"description": "d"})["description"] == "d"


def test_lists_are_one_page(api: Api) -> None:
    """Clients never fetch a second one, whatever page they ask for."""
    for number in range(30):
        api.pool(f"pool-{number}")
    said = api.envelope("GET", f"{A}/pools?page=1&per_page=5")

    assert len(said["result"]) == 30
    assert said["result_info"] == {
        "page": 1,
        "per_page": 30,
        "count": 30,
        "total_count": 30,
        "total_pages": 1,
    }


def test_pools_are_listed_by_their_monitor(api: Api) -> None:
    """`?monitor=` filters pools."""
    monitor = api.monitor()
    pool = api.pool(monitor=monitor)
    api.pool("other")

    assert [one["id"] for one in api.result("GET", f"{A}/pools?monitor={monitor}")] == [pool]


def test_references_are_listed(api: Api) -> None:
    """Load balancers of any zone refer to a pool; pools and groups refer to a monitor."""
    monitor = api.monitor(description="web")
    pool = api.pool(monitor=monitor)
    balancer = api.balancer(pool)

    assert api.result("GET", f"{A}/pools/{pool}/references") == [
        {
            "reference_type": "referrer",
            "resource_id": balancer,
            "resource_name": "www.example.com",
            "resource_type": "load_balancer",
        }
    ]
    (found,) = api.result("GET", f"{A}/monitors/{monitor}/references")
    assert (found["resource_id"], found["resource_type"]) == (pool, "pool")


def test_search_finds_by_a_part_of_the_name(api: Api) -> None:
    """The Python SDK reads `items`, which are the same as `resources`."""
    monitor = api.monitor(description="Primary's monitor")
    pool = api.pool(monitor=monitor)
    balancer = api.balancer(pool)

    found = api.result("GET", f"{A}/search?query=primary&references=*")
    assert [one["resource_id"] for one in found["resources"]] == [pool, monitor]
    assert [one["resource_id"] for one in found["items"]] == [pool, monitor]
    assert found["items"][0]["resources"] == found["resources"][:1]
    kinds = [
        (one["reference_type"], one["resource_id"]) for one in found["resources"][0]["references"]
    ]
    assert kinds == [("referrer", balancer), ("referral", monitor)]
    assert api.result("GET", f"{A}/search?page=2")["items"] == []
    everything = api.result("GET", f"{A}/search")["resources"]
    assert {one["resource_type"] for one in everything} == {"load_balancer", "pool", "monitor"}
    assert all("references" not in one for one in everything)
    assert api.errors(400, "GET", f"{A}/search?references=x") == [(1002, None)]


def test_regions_are_listed(api: Api) -> None:
    """There are all, one, those of a country and those of a subdivision."""
    every = api.result("GET", f"{A}/regions")["regions"]
    german = api.result("GET", f"{A}/regions?country_code_a2=de")["regions"]
    californian = api.result(
        "GET", f"{A}/regions?country_code_a2=US&subdivision_code=CA&subdivision_code_a2=CA"
    )["regions"]
    west = api.result("GET", f"{A}/regions/WNAM")["regions"]

    assert len(every) == 13
    assert german == [
        {
            "region_code": "WEU",
            "countries": [{"country_code_a2": "DE", "country_name": "Germany"}],
        }
    ]
    assert californian == [
        {
            "region_code": "WNAM",
            "countries": [
                {
                    "country_code_a2": "US",
                    "country_name": "United States",
                    "country_subdivisions": [
                        {"subdivision_code_a2": "CA", "subdivision_name": "California"}
                    ],
                }
            ],
        }
    ]
    assert [one["country_code_a2"] for one in west[0]["countries"]] == ["CA", "US"]
    assert api.errors(404, "GET", f"{A}/regions/MARS") == [(1001, None)]


def test_all_pools_are_edited_at_once(api: Api) -> None:
    """Cloudflare's only field here is retired, and can be cleared."""
    pool = api.pool(notification_email="ops@example.com")
    body = {"notification_email": ""}

    (edited,) = api.result("PATCH", f"{A}/pools", body)
    assert (edited["id"], edited["notification_email"]) == (pool, "")
    wrong = {"notification_email": "x", "enabled": False}
    assert api.errors(400, "PATCH", f"{A}/pools", wrong) == [
        (1002, "/notification_email"),
        (1002, "/enabled"),
    ]


def test_a_name_may_stand_in_for_an_id(api: Api) -> None:
    """The id is stored and shown, so that deletions find the reference."""
    pool = api.pool("primary")
    balancer = api.balancer("primary")

    assert api.result("GET", f"{Z}/{balancer}")["default_pools"] == [pool]
    assert api.errors(412, "DELETE", f"{A}/pools/{pool}") == [(1005, None)]


def test_a_reference_to_nothing_is_refused(api: Api) -> None:
    """The refusal has its place."""
    pool = api.pool()
    body = {"name": "a.example.com", "default_pools": [pool, "0" * 32], "fallback_pool": pool}

    assert api.errors(400, "POST", Z, body) == [(1002, "/default_pools/1")]


def test_if_match_protects_from_lost_updates(api: Api) -> None:
    """The entity tag changes with the object; without If-Match nothing is compared."""
    monitor = api.monitor()
    path = f"{A}/monitors/{monitor}"
    tag = dict(api.call("GET", path).headers)["ETag"]
    changed = api.call("PATCH", path, {"retries": 1}, if_match=tag)

    assert changed.status == 200
    assert dict(changed.headers)["ETag"] != tag
    assert api.errors(412, "PATCH", path, {"retries": 2}, if_match=tag) == [(1006, None)]
    assert api.errors(412, "DELETE", path, if_match=tag) == [(1006, None)]
    assert api.result("PATCH", path, {"retries": 2}, if_match="*")["retries"] == 2
    listed = f'"x", {dict(api.call("GET", path).headers)["ETag"]}'
    assert api.result("DELETE", path, if_match=listed) == {"id": monitor}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/accounts",
        "/accounts/a1",
        "/accounts//load_balancers",
        "/accounts/a1/load_balancers/pools//health",
        "/accounts/a1/load_balancers/pools/x/y",
        "/accounts/a1/load_balancers/pools/x/health/y",
        "/accounts/a1/load_balancers/nothing/x",
        "/zones/z1/load_balancers/monitors/x",
        "/zones/z1/load_balancing_analytics/events",
        "/user",
        "/user/tokens/verify",
        "/zones",
        f"/accounts/{'a' * 200}/load_balancers",
    ],
)
def test_other_paths_lead_nowhere(api: Api, path: str) -> None:
    """The code is Cloudflare's."""
    assert api.errors(404, "GET", path) == [(7003, None)]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "pools", "GET, POST, PATCH"),
        ("POST", "pools/x", "GET, PUT, PATCH, DELETE"),
        ("POST", "pools/x/health", "GET"),
        ("GET", "pools/x/preview", "POST"),
        ("PUT", "regions", "GET"),
    ],
)
def test_other_methods_are_not_allowed(api: Api, method: str, path: str, allowed: str) -> None:
    """The answer lists those that are (RFC 9110, 15.5.6)."""
    said = api.call(method, f"{A}/{path}", {})

    assert said.status == 405
    assert dict(said.headers)["Allow"] == allowed


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ('"text"', 400),
        ("null", 400),
        ("[" * 100_000, 400),
        ('{"a":' * 40 + "1" + "}" * 40, 400),
        ('{"retries": 1e999}', 400),
        ('{"retries": NaN}', 400),
        ('{"description": "\\ud800"}', 400),
        ('{"description": "' + "a" * 1_048_577 + '"}', 413),
    ],
)
def test_a_body_that_is_no_object_is_refused(api: Api, body: str, status: int) -> None:
    """Nothing raises and nothing is stored."""
    (error,) = api.errors(status, "POST", f"{A}/monitors", body)

    assert error[0] in {1002, 1007}
    assert api.result("GET", f"{A}/monitors") == []


def test_reading_needs_no_right_to_write(api: Api) -> None:
    """A read token gets 403 for everything else."""
    assert api.call("GET", f"{A}/pools", may_write=False).status == 200
    assert api.errors(403, "POST", f"{A}/pools", {}, may_write=False)


def test_a_change_has_an_author(api: Api) -> None:
    """Each change is a version."""
    api.monitor()
    (version,) = api.office.store.versions()

    assert (version.version, version.author, version.at) == (1, "admin token", START)


def test_what_is_sent_is_applied_again_without_a_difference(api: Api) -> None:
    """Terraform compares what it has sent with what it reads."""
    monitor = api.monitor()
    sent: dict[str, Any] = {
        "name": "p",
        "origins": [ORIGIN],
        "monitor": monitor,
        "check_regions": ["WEU"],
        "load_shedding": {"default_percent": 0, "default_policy": "random"},
        "origin_steering": {"policy": "random"},
    }
    made = api.result("POST", f"{A}/pools", sent)

    assert api.result("PUT", f"{A}/pools/{made['id']}", sent) == made
    assert api.office.store.version == 2


def test_status_codes_of_a_file_are_shown_as_a_text() -> None:
    """Clients in other languages expect text; a file may have numbers and lists of them."""
    file = FILE.replace('type = "https"', 'type = "https"\nexpected_codes = [200, "3xx"]')
    api = Api(Office(file=file))

    (monitor,) = api.result("GET", f"{A}/monitors")
    assert monitor["expected_codes"] == "200,3xx"


@pytest.mark.parametrize(
    ("owner", "pattern", "method"),
    [
        (owner, pattern, method)
        for owner, table in BY_OWNER.items()
        for pattern, methods in table.items()
        for method in methods
    ],
)
def test_every_route_leads_somewhere(
    api: Api, owner: tuple[str, str], pattern: tuple[str, ...], method: str
) -> None:
    """Every path is answered, at least that there is no such object or that the body is wrong."""
    whose = owner[0] if owner[0] == "user" else f"{owner[0]}/x"
    steps = ("0" * 32 if step == ANY else step for step in pattern)
    path = "/".join(["", whose, owner[1], *steps])

    said = api.call(method, path, {})
    codes = [each["code"] for each in json.loads(said.body)["errors"]]
    assert said.status in {200, 400, 404}
    assert not {7003, 10405} & set(codes)
