"""The Durable Object's life: its alarms, evictions, previews and configurations."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from lb.admin.calls import Answer, Call
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer
from lb.catalog.store import ConfigStore
from lb.config import Source, source_in_toml
from lb.health.verdict import Verdict
from lb.log_events import Event, Trouble
from lb.model import Health, Origin, Region, Watch
from lb.notify.message import OutboundRequest
from lb.object.alarm import AFTER_A_FAULT, OVERDUE
from lb.object.keeper import Keeper
from lb.object.ports import Ports
from lb.object.previews import Previews
from lb.object.run import Coordinator
from lb.probing.probe import Answer as Reply
from lb.probing.probe import HttpProbe, Probe, ProbeFailure
from lb.probing.region_votes import question_to_json, votes_from_json
from lb.state.pull import read_answer
from lb.state.shared_view import from_json
from support.make import monitor, origin
from support.state import START, AlarmStore, Database

FILE = """
[[monitors]]
name = "web"
type = "https"
interval = 30
retries = 0

[[pools]]
name = "p"
monitor = "web"
origins = [
  { name = "a", address = "a.example.com" },
  { name = "b", address = "b.example.com" },
]

[[load_balancers]]
name = "service.example.com"
default_pools = ["p"]
fallback_pool = "p"
"""
REGIONS = FILE.replace('monitor = "web"\n', 'monitor = "web"\ncheck_regions = ["WEU"]\n')
NOTIFIED = (
    FILE
    + """
[[notifications]]
name = "ops"
type = "slack"
secret = "HOOK"
notify_after = 0
"""
)
UNWATCHED = FILE.replace('monitor = "web"\n', "")


class Sinks:
    """The Deliverer port: takes everything."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def send(self, request: OutboundRequest) -> int | None:
        self.got.append(request.body)
        return 200


class Site:
    """The object with a file, storage that survives evictions, and scripted origins."""

    def __init__(self, file: str = FILE, secret: str = "") -> None:
        self.now = START
        self.sql = Database()
        self.alarms = AlarmStore()
        self.sinks = Sinks()
        self.log: list[Event] = []
        self.down: set[str] = set()
        self.probes: list[tuple[float, str]] = []
        self.regions_made: list[str] = []
        self.asked_regions: list[Region] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """Called while the next probe is under way."""
        self._secret = secret
        self._chance = random.Random(1).random
        self.evict(file)

    def evict(self, file: str | None = None) -> None:
        """Lose the object's memory; perhaps another file was deployed."""
        self.file: str = self.file if file is None else file
        self.coordinator = Coordinator(
            Ports(
                sql=self.sql,
                alarms=self.alarms,
                deployment=self,
                prober=self,
                regions=self._regions,
                deliverer=self.sinks,
                clock=lambda: self.now,
                chance=self._chance,
                log=self.log.append,
            )
        )

    def _regions(self, configuration: str) -> Site:
        self.regions_made.append(configuration)
        return self

    def source(self) -> Source:
        return source_in_toml(self.file)

    def secret(self, name: str) -> str:
        return self._secret if name == "HOOK" else ""

    def is_bound(self, name: str) -> bool:
        del name
        return False

    async def send(self, probe: Probe) -> Reply | ProbeFailure:
        """The Prober port."""
        assert isinstance(probe, HttpProbe)
        name = probe.url.partition("://")[2].partition(".")[0]
        self.probes.append((self.now - START, name))
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        return ProbeFailure.CONNECTION if name in self.down else Reply(status=200)

    async def ask(
        self, region: Region, asked: Sequence[tuple[Origin, Watch]]
    ) -> Mapping[tuple[str, str], Verdict]:
        """The Regions port: every origin is healthy from everywhere."""
        self.asked_regions.append(region)
        return {one.key: Verdict(passed=True) for one, _ in asked}

    def pull(self, **question: Any) -> str:
        """Ask as an isolate does."""
        return asyncio.run(self.coordinator.pull(json.dumps(question)))

    def wake(self) -> None:
        """Let the cron trigger go off."""
        asyncio.run(self.coordinator.wake())

    async def called(self, method: str, path: str, body: object = None) -> Any:
        """Call as an operator does; return the result."""
        call = Call(
            method=method,
            path=path,
            body="" if body is None else json.dumps(body),
            author="ops",
            may_write=True,
        )

        def answered(store: ConfigStore, keeper: Keeper | None) -> Answer:
            context = HandlerContext(
                store=store,
                keeper=keeper,
                sql=self.sql,
                clock=lambda: self.now,
                chance=self._chance,
            )
            return answer(context, call)

        said = await self.coordinator.operate(answered)
        assert said.status == 200, said.body
        return json.loads(said.body)["result"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call as an operator does, and wait for it."""
        return asyncio.run(self.called(method, path, body))

    def id_of(self, name: str) -> str:
        """Return the id of a configured object."""
        objects = self.coordinator.store().catalog.objects.values()
        return next(one.id for one in objects if one.name == name)

    def ring(self) -> float:
        """Let the alarm go off; return its time, in seconds from the start."""
        at = self.alarms.taken(START + 1e6)
        assert at is not None
        self.now = max(self.now, at)
        asyncio.run(self.coordinator.alarm())
        return at - START

    @property
    def set_to(self) -> list[float]:
        """Times that the alarm was set to, in seconds from the start."""
        return [at - START for at in self.alarms.set_to]

    @property
    def troubles(self) -> list[str]:
        return [one.message for one in self.log if isinstance(one, Trouble)]


def weigh(weight: float) -> dict[str, object]:
    """Return the body that gives origin a a weight."""
    return {"pool": "p", "origin": "a", "action": "weight", "weight": weight}


def test_the_first_question_sets_the_alarm_once() -> None:
    """Further questions leave it, with or without evictions: setting it counts as a row."""
    site = Site()

    assert from_json(site.pull()) is not None
    for _ in range(3):
        site.pull()
        site.evict()

    assert site.set_to == [0]


def test_the_cron_trigger_starts_probing_without_a_visitor() -> None:
    """The cron trigger sets the first alarm, and each alarm the next one."""
    site = Site()
    site.wake()

    assert [site.ring() for _ in range(3)] == [0, 30, 60]
    assert [at for at, name in site.probes if name == "a"] == [0, 30, 60]
    assert site.set_to == [0, 30, 60, 90]


def test_alarms_go_on_after_an_eviction_between_any_two() -> None:
    """The stored row has the schedule; no question is needed."""
    site = Site()
    site.wake()
    for _ in range(3):
        site.ring()
        site.evict()

    assert [at for at, name in site.probes if name == "b"] == [0, 30, 60]


def test_nothing_to_watch_sets_no_alarm() -> None:
    """Neither a question nor the cron trigger sets one."""
    site = Site(UNWATCHED)

    assert from_json(site.pull()) is not None
    site.wake()

    assert site.set_to == []


def test_a_bad_file_is_answered_with_nothing() -> None:
    """Without a valid configuration, an isolate gets no view and nothing is probed."""
    site = Site("[[pools]]\nname = 5\n")

    assert site.pull() == ""
    site.wake()
    asyncio.run(site.coordinator.alarm())

    assert site.set_to == []
    assert site.troubles == []


def test_a_lost_alarm_is_set_again_by_the_cron_trigger() -> None:
    """The cron trigger reads the alarm from the runtime."""
    site = Site()
    site.pull()
    site.alarms.at = None

    site.pull()
    assert site.set_to == [0]
    site.wake()
    assert site.set_to == [0, 0]


def test_an_alarm_that_is_set_is_left_alone_by_the_cron_trigger() -> None:
    """Setting it each time would be 288 rows a day."""
    site = Site()
    site.wake()
    site.ring()

    site.now += 5
    site.wake()

    assert site.set_to == [0, 30]


def test_an_overdue_alarm_is_set_anew_by_the_next_question() -> None:
    """An alarm that has not gone off for a minute counts as lost."""
    site = Site()
    site.pull()

    site.now += OVERDUE
    site.pull()
    assert site.set_to == [0]
    site.now += 1
    site.pull()
    assert site.set_to == [0, OVERDUE + 1]


def test_a_reported_failure_moves_the_alarm_forward() -> None:
    """The origin is probed before its interval is over."""
    site = Site()
    site.wake()
    site.ring()
    site.now += 10

    site.pull(reports=[["p", "a", "timed out", site.now]])

    assert site.ring() == 10
    assert site.probes[2:] == [(10, "a")]


def test_questions_during_an_alarm_set_none() -> None:
    """The alarm sets the next one when it ends, with these questions in mind."""
    site = Site()
    site.wake()

    async def report() -> None:
        await site.coordinator.pull(
            json.dumps({"reports": [["p", "b", "timed out", site.now + 1]]})
        )
        assert site.set_to == [0]

    site.meanwhile = report
    site.ring()

    assert site.set_to == [0, 5]


def test_a_fault_in_an_alarm_is_logged_and_tried_again() -> None:
    """An alarm that raises is repeated six times and then given up."""
    site = Site()
    site.wake()
    site.sql.broken = True

    site.ring()

    (trouble,) = site.troubles
    assert trouble.startswith("the state object's alarm failed: OperationalError at ")
    assert site.set_to[1:] == [AFTER_A_FAULT]
    site.sql.broken = False
    site.ring()
    assert site.set_to[2:] == [AFTER_A_FAULT + 30]
    assert [name for _, name in site.probes[-2:]] == ["a", "b"]


def test_an_alarm_that_cannot_set_the_next_one_raises() -> None:
    """The runtime repeats an alarm that raises, so that probing goes on."""
    site = Site()
    site.wake()
    site.alarms.taken(START)
    site.alarms.broken = True

    with pytest.raises(OSError, match="storage is gone"):
        asyncio.run(site.coordinator.alarm())


def test_a_changed_configuration_is_probed_at_once() -> None:
    """The new keeper goes on with the health of origins that are still there."""
    site = Site()
    site.call("POST", "/adopt")
    site.ring()
    before = site.coordinator.keeper()
    pool = site.id_of("p")
    origins = [
        {"name": name, "address": f"{name}.example.com", "enabled": True} for name in ("a", "new")
    ]

    site.now += 5
    site.call("PATCH", f"/client/v4/accounts/a/load_balancers/pools/{pool}", {"origins": origins})

    after = site.coordinator.keeper()
    assert after is not before
    assert after is not None
    assert {key[1]: one.health for key, one in after.shared().origins.items()} == {
        "a": Health.HEALTHY
    }
    assert site.ring() == 5
    assert site.probes[2:] == [(5, "new")]


def test_one_configuration_has_one_keeper() -> None:
    """Calls that change nothing keep the keeper and its memory."""
    site = Site()
    keeper = site.coordinator.keeper()

    site.pull()
    site.call("GET", "/status")

    assert site.coordinator.keeper() is keeper


def test_failures_of_traffic_are_shown_after_a_change() -> None:
    """The new keeper takes them over from the previous one's memory."""
    site = Site()
    site.call("POST", "/adopt")
    site.pull(reports=[["p", "a", "timed out", START]])

    site.call("POST", "/actions", weigh(0.5))

    pools = site.call("GET", "/status")["pools"]
    assert pools[0]["origins"][0]["failed"]["cause"] == "timed out"


def test_a_change_during_a_round_decides_when_the_next_is() -> None:
    """The next alarm is the new keeper's, while the round ends with the old one."""
    site = Site()
    site.call("POST", "/adopt")
    web = site.id_of("web")
    site.ring()
    path = f"/client/v4/accounts/a/load_balancers/monitors/{web}"

    async def hurry() -> None:
        await site.called("PATCH", path, {"interval": 10})

    site.meanwhile = hurry
    assert site.ring() == 30

    # It was made from what was stored before this round: asked at 0, due since 10.
    assert site.set_to[-1] == 30
    site.ring()
    assert site.set_to[-1] == 40


def test_an_isolate_gets_the_configuration_that_it_does_not_have() -> None:
    """An isolate that names another version gets configuration and health in one answer."""
    site = Site()
    assert read_answer(site.pull(configuration=0))[0] is None
    site.call("POST", "/adopt")
    site.call("POST", "/actions", weigh(0.5))

    delivered, health = read_answer(site.pull(configuration=0))

    assert delivered is not None
    assert delivered.version == 2
    assert delivered.document is not None
    assert delivered.document["pools"][0]["origins"][0]["weight"] == 0.5
    assert health.view is not None
    assert read_answer(site.pull(configuration=2))[0] is None
    assert read_answer(site.pull())[0] is None


def test_an_isolate_goes_back_to_the_deployment_where_versions_are_lost() -> None:
    """The isolate's own file or variables serve again."""
    delivered, health = read_answer(Site().pull(configuration=7))

    assert delivered is not None
    assert (delivered.version, delivered.document) == (0, None)
    assert health.view is not None


def test_a_file_that_does_not_go_with_the_stored_versions_is_logged() -> None:
    """The last valid pair of file and versions goes on serving."""
    site = Site()
    pool = {"name": "own", "origins": [{"name": "x", "address": "x.example.com"}]}
    made = site.call("POST", "/client/v4/accounts/a/load_balancers/pools", pool)
    site.call(
        "POST",
        "/client/v4/zones/z/load_balancers",
        {"name": "own.example.com", "default_pools": [made["id"]], "fallback_pool": made["id"]},
    )
    assert site.troubles == []

    site.evict("[[pools]]\nname = 5\n")

    assert from_json(site.pull()) is not None
    assert site.troubles
    assert all(
        one.startswith("the file does not go with what was configured: ") for one in site.troubles
    )


def preview(site: Site) -> str:
    """Request a preview of the file's pool; return its id."""
    pool = site.id_of("p")
    path = f"/client/v4/accounts/a/load_balancers/pools/{pool}/preview"
    return str(site.call("POST", path, {"path": "/preview"})["preview_id"])


def test_a_preview_is_probed_at_once() -> None:
    """The call sets the alarm; an eviction in between loses nothing."""
    site = Site()
    site.wake()
    site.ring()
    site.now += 5
    one = preview(site)
    site.evict()

    assert site.ring() == 5

    assert site.probes[2:] == [(5, "a"), (5, "b")]
    (found,) = (Previews(site.sql).result(one, site.now) or {}).values()
    assert found["healthy"] is True
    assert site.set_to[-1] == 30


def test_previews_and_rounds_take_turns() -> None:
    """A due round waits for one preview at most, and the other way round."""
    site = Site()
    for _ in range(2):
        preview(site)
    shared = [from_json(site.pull())]

    for _ in range(3):
        assert site.ring() == 0
        shared.append(from_json(site.pull()))

    assert [len(view.origins) for view in shared if view is not None] == [0, 0, 2, 2]
    assert not Previews(site.sql).waiting
    assert site.set_to[-1] == 30


def test_a_preview_that_is_asked_for_during_an_alarm_is_next() -> None:
    """The running alarm sets the next one for it."""
    site = Site()
    site.wake()
    pool = site.id_of("p")
    path = f"/client/v4/accounts/a/load_balancers/pools/{pool}/preview"

    async def ask() -> None:
        await site.called("POST", path, {})
        assert site.set_to == [0]

    site.meanwhile = ask
    site.ring()

    assert site.set_to == [0, 0]
    site.ring()
    assert len(site.probes) == 4


def test_a_preview_that_fails_is_not_tried_again() -> None:
    """A preview that brings the object down is not repeated."""
    site = Site()
    preview(site)

    async def fault() -> None:
        raise RuntimeError

    site.meanwhile = fault
    site.ring()

    (trouble,) = site.troubles
    assert trouble.startswith("the state object's alarm failed: RuntimeError at ")
    assert not Previews(site.sql).waiting
    assert site.ring() == AFTER_A_FAULT
    assert len(site.probes) > 1


def asked(*names: str) -> str:
    """Return another object's question for these origins of pool p."""
    return question_to_json([(origin(name), monitor()) for name in names])


def test_another_object_has_origins_probed_from_here() -> None:
    """Without a configuration in the call, the deployed file serves."""
    site = Site()
    site.down = {"b"}

    votes = votes_from_json(asyncio.run(site.coordinator.probe(asked("a", "b", "gone"))))

    assert {key[1]: vote.passed for key, vote in votes.items()} == {"a": True, "b": False}
    assert site.set_to == []


def test_another_object_sends_the_configuration_of_operators_along() -> None:
    """The configuration in the call counts; an invalid one gives no votes."""
    site = Site(REGIONS)
    site.call("POST", "/adopt")
    site.ring()
    far = Site(UNWATCHED)

    given = site.regions_made[-1]
    assert asyncio.run(far.coordinator.probe(asked("a"))) == "[]"
    assert votes_from_json(asyncio.run(far.coordinator.probe(asked("a"), given)))
    bad = given.replace('"interval":30', '"interval":"often"').replace(
        '"interval": 30', '"interval": "often"'
    )
    assert bad != given
    assert asyncio.run(far.coordinator.probe(asked("a"), bad)) == ""
    assert asyncio.run(Site("").coordinator.probe(asked("a"))) == ""


def test_regions_are_asked_with_the_configuration_that_serves() -> None:
    """The deployment's own is not sent, as every object has it."""
    site = Site(REGIONS)
    site.wake()
    site.ring()
    site.call("POST", "/adopt")

    assert site.asked_regions == [Region.WEU]
    assert site.probes == []
    first, second = site.regions_made
    assert first == ""
    delivered, _ = read_answer(second)
    assert delivered is not None
    assert delivered.version == 1


def test_an_incident_is_told_across_an_eviction() -> None:
    """Waiting notifications are in the stored row."""
    site = Site(NOTIFIED, secret="https://hooks.example.com/T1")
    site.wake()
    site.ring()
    site.down = {"a"}
    site.evict()
    while site.ring() < 300 and not site.sinks.got:
        site.evict()

    assert "a" in site.sinks.got[0]
    assert site.troubles == []


def test_a_notification_without_its_secret_is_logged_once() -> None:
    """The log has it once a configuration, not once a round."""
    site = Site(NOTIFIED)
    site.wake()
    for _ in range(3):
        site.ring()

    (trouble,) = site.troubles
    assert "HOOK" in trouble
