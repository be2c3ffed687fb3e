"""Calls of the status page to the Durable Object."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.origin_actions import CHANGES, WORDS, Action
from lb.base.times import rfc3339
from lb.config import Invalid
from lb.metrics.isolate_totals import IsolateTotals
from lb.object.keeper import Keeper
from support.office import FILE, Office
from support.state import START, World

DRAINING = FILE + "session_affinity_attributes = { drain_duration = 300 }\n"
ON_ITS_OWN = """
[[pools]]
name = "p"
origins = [{ name = "a", address = "a.example.com" }]

[[load_balancers]]
name = "x.example.com"
default_pools = ["p"]
fallback_pool = "p"
"""


@dataclass
class Board(Office):
    """An office with a keeper of the configuration that is stored."""

    file: str = DRAINING

    def __post_init__(self) -> None:
        super().__post_init__()
        config = self.store.effective.config
        assert config is not None
        self.world = World(config, sql=self.sql)
        self.world.takes = {"one": 0.012}
        self.world.run_until(1)
        self.now = self.world.now

    @property
    def keeper(self) -> Keeper:
        """The keeper of the present configuration."""
        config = self.store.effective.config
        assert config is not None
        if config is not self.world.config:
            before = self.world.keeper
            self.world.evict(config)
            self.world.keeper.remember(before)
        return self.world.keeper

    @property
    def context(self) -> HandlerContext:
        return replace(super().context, keeper=self.keeper)

    def status(self) -> Any:
        """Return the status."""
        self.world.now = self.now
        return self.result("GET", "/status")

    def origin(self, name: str = "server-1") -> Any:
        """Return an origin in the status."""
        origins = [one for pool in self.status()["pools"] for one in pool["origins"]]
        return next(one for one in origins if one["name"] == name)

    def act(self, action: str, **also: object) -> Any:
        """Carry out an action on server-1; return its result."""
        body = {"pool": "primary", "origin": "server-1", "action": action, **also}
        return self.result("POST", "/actions", body)


def adopted(file: str = DRAINING) -> Board:
    """Return a board with adopted objects, at version 1."""
    board = Board(file=file)
    board.result("POST", "/adopt")
    return board


def test_the_status_shows_what_the_keeper_knows() -> None:
    """It has health, latencies, the latest round and the latest events."""
    told = Board().status()

    assert [one["health"] for pool in told["pools"] for one in pool["origins"]] == ["healthy"] * 2
    assert told["pools"][0]["origins"][0]["latency_ms"] == 12.0
    assert told["probe_age"] is not None
    assert [event["pool"]["name"] for event in told["events"]] == ["replica", "primary"]


def test_failures_that_isolates_report_are_shown() -> None:
    """Each has its cause; a report that cannot be read is ignored."""
    board = Board()
    rows = [
        ["primary", "server-1", "timed out", START, START + 30],
        ["replica", "server-2", 5, START],
    ]
    board.world.pull(reports=[*rows, ["primary", "x", "?", START], ["primary"]])

    assert board.origin("server-1")["failed"] == {"at": rfc3339(START), "cause": "timed out"}
    assert board.origin("server-1")["state"] == "ejected"
    assert board.origin("server-2")["failed"] is None


def test_failures_are_still_shown_after_a_change() -> None:
    """The keeper of a new configuration takes over what the old one knew."""
    board = adopted()
    board.world.pull(reports=[["primary", "server-1", "timed out", START]])
    board.act("weight", weight=0.5)

    assert board.origin("server-1")["failed"]["cause"] == "timed out"


def test_the_latest_events_cost_no_more_rows_than_are_shown() -> None:
    """A page that polls every few seconds must not read the log of a month each time."""
    board = Board(file=ON_ITS_OWN.replace('name = "p"\n', 'name = "p"\nmonitor = "m"\n') + MONITOR)
    for number in range(60):
        board.world.down = {"a"} if number % 2 else set()
        board.world.run_until(60 * number + 61)
    board.now = board.world.now

    told = board.status()["events"]

    assert len(told) == 25
    assert told[0]["id"] == 60


MONITOR = '[[monitors]]\nname = "m"\ntype = "https"\n'


def counting(board: Board, **answers: int) -> None:
    """Hand over counts of an isolate: requests that server-1 and server-2 answered."""
    counts = IsolateTotals("isolate", board.now - 30)
    for (pool, origin), number in zip(
        (("primary", "server-1"), ("replica", "server-2")), answers.values(), strict=True
    ):
        for _ in range(number):
            counts.of("service.example.com").answered((pool, origin), 200, 0.02)
    board.keeper.totals.receive(counts.offer(board.now), board.now)


def test_shares_of_traffic_have_all_origins() -> None:
    """It covers the last minutes; null without any request."""
    board = Board()
    assert board.origin()["share"] is None

    counting(board, one=3, two=1)

    assert board.origin("server-1")["share"] == 0.75
    assert board.origin("server-2")["share"] == 0.25


def test_charts_are_those_of_the_named_pools() -> None:
    """Charts are large, so only those of visible pools are sent."""
    board = Board()
    counting(board, one=3, two=1)

    assert "charts" not in board.status()
    assert "charts" not in board.result("GET", "/status?charts")
    charts = board.result("GET", "/status?charts=primary&charts=no%26ne")["charts"]
    assert [(one["pool"], one["origin"]) for one in charts["origins"]] == [("primary", "server-1")]
    assert sum(charts["origins"][0]["requests"]) == 3
    assert charts["origins"][0]["health"][-1] == "healthy"
    assert "share" not in charts["origins"][0]  # of what is drawn alone, it would be another one
    assert [sum(one["requests"]) for one in charts["load_balancers"]] == [4]


def test_charts_are_bounded() -> None:
    """A pool beyond the limit is left out; an excessive query has no charts."""
    entries = (f'{{ name = "o{at}", address = "o{at}.example.com" }}' for at in range(250))
    large = f'\n[[pools]]\nname = "large"\norigins = [{", ".join(entries)}]\n'
    board = Board(file=ON_ITS_OWN + large)

    charts = board.result("GET", "/status?charts=p&charts=large")["charts"]

    assert [one["pool"] for one in charts["origins"]] == ["p"]
    assert "charts" not in board.result("GET", "/status?" + "charts=p&" * 2000)


def test_the_status_is_only_read() -> None:
    """Other methods are refused."""
    assert Board().call("POST", "/status").status == 405


def test_the_status_says_what_comes_from_the_file_alone() -> None:
    """It says so until they are adopted, and which version serves."""
    board = Board()
    before = board.status()
    board.result("POST", "/adopt")
    after = board.status()

    assert (before["version"], after["version"]) == (0, 1)
    assert [before["load_balancers"][0]["read_only"], before["pools"][0]["read_only"]] == [True] * 2
    assert [after["load_balancers"][0]["read_only"], after["pools"][0]["read_only"]] == [False] * 2


def test_a_file_that_is_not_used_is_a_warning() -> None:
    """The old configuration serves on, and the page shows the problem."""
    board = adopted()
    board.file = FILE.replace("[[pools]]", "[[pool]]")
    board.evicted()

    warnings = board.status()["warnings"]

    assert [one["kind"] for one in warnings] == ["message"] * len(warnings)
    assert 'did you mean "pools"?' in warnings[0]["message"]


def test_a_missing_secret_of_a_header_is_a_warning() -> None:
    """The page names the secret, what lacks it, and the command that stores it."""
    edits = 'request_headers = { set = { X-Key = { secret = "KEY" } } }\n'
    board = Board(file=FILE + edits)

    (warning,) = board.status()["warnings"]
    assert warning["kind"] == "message"
    assert warning["message"].startswith("there is no secret KEY: load balancer ")

    board.secrets["KEY"] = "hush"
    assert board.status()["warnings"] == []


def test_without_any_good_configuration_there_is_no_status() -> None:
    """The answer says what to do."""
    office = Office(file="nonsense = 1")
    assert not isinstance(office.store.effective.config, Invalid)

    said = office.call("GET", "/status")

    assert said.status == 503
    assert "apply one that can" in said.body


def test_the_tables_of_actions_are_total() -> None:
    """Both tables are total."""
    assert set(CHANGES) == set(WORDS) == set(Action)


def test_draining_takes_nothing_new_and_keeps_sessions_for_their_time() -> None:
    """After that it is disabled since the same moment."""
    board = adopted()
    said = board.act("drain")

    assert (said["version"], said["changed"]) == (2, True)
    assert said["origin"]["state"] == "draining"
    assert said["origin"]["until"] == rfc3339(board.now + 300)
    since, board.now = rfc3339(board.now), board.now + 301
    assert (board.origin()["state"], board.origin()["since"]) == ("disabled", since)


def test_disabling_keeps_no_session() -> None:
    """The event log provides the time, once the keeper has noticed."""
    board = adopted()

    assert board.act("disable")["origin"]["state"] == "disabled"
    assert board.origin()["since"] is None
    board.world.run_until(61)
    assert board.origin()["since"] is not None


def test_an_origin_that_drains_can_be_disabled_at_once() -> None:
    """The remaining sessions move at once."""
    board = adopted()
    board.act("drain")

    said = board.act("disable")

    assert (said["version"], said["origin"]["state"]) == (3, "disabled")


def test_enabling_brings_back_what_was_drained_or_disabled() -> None:
    """Its weight is kept."""
    board = adopted()
    board.act("weight", weight=0.25)
    for way in ("drain", "disable"):
        board.act(way)
        origin = board.act("enable")["origin"]
        assert (origin["state"], origin["enabled"], origin["weight"]) == ("available", True, 0.25)


def test_the_weight_can_be_set_to_anything_up_to_1() -> None:
    """0 means no new sessions."""
    board = adopted()

    assert board.act("weight", weight=0.5)["origin"]["weight"] == 0.5
    assert board.act("weight", weight=0)["origin"]["state"] == "weight 0"
    assert board.act("weight", weight=1)["origin"]["state"] == "available"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"action": "drain"}, {"action": "drain"}),
        ({"action": "disable"}, {"action": "disable"}),
        ({"action": "disable"}, {"action": "drain"}),
        ({"action": "enable"}, {"action": "enable"}),
        ({"action": "weight", "weight": 0.5}, {"action": "weight", "weight": 0.5}),
        ({"action": "weight", "weight": 1}, {"action": "weight", "weight": 1.0}),
    ],
)
def test_what_changes_nothing_makes_no_version(
    first: dict[str, Any], again: dict[str, Any]
) -> None:
    """The answer is that of any action."""
    board = adopted()
    version = board.act(**first)["version"]
    board.now += 10

    said = board.act(**again)

    assert (said["version"], said["changed"]) == (version, False)


def test_what_was_drained_stays_disabled_since_then() -> None:
    """Disabling it after its time is over changes nothing."""
    board = adopted()
    board.act("drain")
    board.now += 301

    assert board.act("disable")["changed"] is False
    assert board.origin()["since"] == rfc3339(board.now - 301)


def test_every_change_is_a_version_with_its_author() -> None:
    """The summary says what was done."""
    board = adopted()
    board.author = "ops@example.com"
    board.act("weight", weight=0.5)
    board.act("drain")

    told = [(one["author"], one["summary"]) for one in board.result("GET", "/versions")[:2]]

    assert told == [
        ("ops@example.com", "drain server-1 in primary"),
        ("ops@example.com", "set the weight of server-1 in primary to 0.5"),
    ]


def test_what_comes_from_the_file_is_not_changed() -> None:
    """The refusal says what to do."""
    board = Board()
    body = {"pool": "primary", "origin": "server-1", "action": "drain"}

    said = board.call("POST", "/actions", body)

    assert said.status == 403
    assert "`evenkeel adopt`" in said.body
    assert "POST /adopt" in said.body
    assert board.status()["version"] == 0


@pytest.mark.parametrize("action", ["drain", "disable"])
def test_the_last_enabled_origin_of_a_load_balancer_stays(action: str) -> None:
    """The messages are those of a refused configuration."""
    board = adopted(ON_ITS_OWN)
    body = {"pool": "p", "origin": "a", "action": action}

    assert board.call("POST", "/actions", body).status == 400
    assert board.errors("POST", "/actions", body) == [
        {
            "code": 1002,
            "message": "load balancer x.example.com: "
            "not one pool would have an origin that is enabled",
            "source": {"pointer": "/origin"},
        }
    ]


def test_an_unknown_place_is_404_with_the_nearest_name() -> None:
    """This holds for pools and for origins."""
    board = adopted()
    body = {"pool": "primry", "origin": "server-1", "action": "drain"}

    assert board.call("POST", "/actions", body).status == 404
    (pool,) = board.errors("POST", "/actions", body)
    (origin,) = board.errors("POST", "/actions", {**body, "pool": "primary", "origin": "server"})

    assert pool["source"] == {"pointer": "/pool"}
    assert 'did you mean "primary"?' in pool["message"]
    assert 'did you mean "server-1"?' in origin["message"]


WEIGHT = {"pool": "p", "origin": "a", "action": "weight"}
NO_WEIGHTS: tuple[object, ...] = (None, True, "1", -0.1, 1.1, [], 10**15)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ("", [None]),
        ("[]", [None]),
        ({}, ["/pool", "/origin", "/action"]),
        ({"pool": 1, "origin": None, "action": "explode"}, ["/pool", "/origin", "/action"]),
        ({"pool": "p", "origin": "a", "action": ["drain"]}, ["/action"]),
        ({"pool": "p", "origin": "a", "action": "drain", "wieght/~": 1}, ["/wieght~1~0"]),
        ({"pool": "p", "origin": "a", "action": "drain", "weight": 1}, ["/weight"]),
        *(({**WEIGHT, "weight": one}, ["/weight"]) for one in NO_WEIGHTS),
        ('{"pool": "p", "origin": "a", "action": "weight", "weight": NaN}', [None]),
    ],
)
def test_a_bad_body_is_refused_with_every_problem_at_once(
    body: object, pointers: list[str | None]
) -> None:
    """Each mistake is answered with 400 and its place."""
    board = adopted(ON_ITS_OWN)

    said = board.call("POST", "/actions", body)

    assert said.status == 400
    errors = json.loads(said.body)["errors"]
    assert [one.get("source", {}).get("pointer") for one in errors] == pointers


def test_actions_are_sent_by_post() -> None:
    """Other methods are refused."""
    assert adopted().call("GET", "/actions").status == 405
