"""The background work of an isolate, and the wait of its first requests."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from math import inf

import pytest

from lb.health.verdict import FailureReport, OriginHealth
from lb.log_events import Event, Trouble
from lb.metrics.isolate_totals import IsolateTotals
from lb.model import Config, Health, Pool, State
from lb.model.identity import identity_of
from lb.request.outcomes import Evidence, Judgement
from lb.state.kv import KV_REFRESH
from lb.state.memory import Memory
from lb.state.ports import Ports
from lb.state.pull import Delivered, PulledHealth, with_configuration
from lb.state.refresh import FIRST_ROUND, GAP, LEASE, LOOK_FIRST, Home
from lb.state.run import POINTS_EVERY, WAYS, BackgroundWork, until_certain
from lb.state.served_config import ASK_AGAIN, FIRST_WAIT, LOOK_AGAIN, ServedConfig
from lb.state.shared_view import SharedHealth, from_json, to_json
from support import virtual_time
from support.background import KV, OBJECT, START, FakeBackground, Unbound
from support.make import balancer_of, config_of, monitor, pool, record

INTERVAL, REFRESH = 15, 30
WATCHED = pool("p", "a", "b", monitor=monitor(interval=INTERVAL))
CONFIG = replace(config_of(balancer_of(WATCHED)), state=State(refresh=REFRESH))
UNWATCHED = config_of(balancer_of(pool("p", "a")))
FAILED = Judgement(failed=True, cause="connection failed", evidence=Evidence.CONNECTION)
UNREACHABLE = "the state object cannot be reached: ConnectionError"
NO_KV = "KV cannot be reached: ConnectionError"


def view(probed: float, **healths: Health) -> SharedHealth:
    """Return what the object knows of these origins at so many seconds from the start."""
    return SharedHealth(
        version=int(START),
        fingerprint=identity_of(CONFIG),
        probed=START + probed,
        origins={
            ("p", name): OriginHealth(health=health, checked=START + probed)
            for name, health in healths.items()
        },
    )


FRESH = view(0, a=Health.HEALTHY, b=Health.UNHEALTHY)


def unreachable(_question: str) -> str | None:
    """Raise as the call of a missing object does."""
    raise ConnectionError


def health(isolate: FakeBackground, name: str) -> Health:
    """Return an origin's health, as requests see it."""
    (origin,) = [one for one in WATCHED.origins if one.name == name]
    return isolate.memory.snapshot(isolate.now).health(origin).health


def fail(isolate: FakeBackground, where: Pool = WATCHED) -> None:
    """Record a failed attempt at the first origin."""
    (lb,) = isolate.config.load_balancers
    record(isolate.memory, lb, where.origins[0], FAILED, isolate.now, isolate.now)


def test_there_is_a_refresh_for_every_home() -> None:
    """Every home of shared state has a refresh."""
    assert set(WAYS) == set(Home)


def test_without_bindings_an_isolate_probes_for_itself() -> None:
    """Without bindings, the isolate calls only the port for probes."""
    isolate = FakeBackground(CONFIG, down={"b"})

    isolate.respond_at(range(0, INTERVAL + 1, 5))

    assert isolate.probed == [(0, "a"), (0, "b"), (15, "a"), (15, "b")]
    assert (health(isolate, "a"), health(isolate, "b")) == (Health.HEALTHY, Health.UNHEALTHY)
    assert isolate.questions == []


def test_while_nothing_is_due_there_is_no_work() -> None:
    """A response with nothing to do behind it starts no coroutine."""
    isolate = FakeBackground(CONFIG)

    assert isolate.respond(0)
    assert not isolate.respond(1)
    assert not FakeBackground(UNWATCHED).respond(0)


def test_news_is_logged_though_no_probe_is_due() -> None:
    """News, such as the end of an ejection, is logged even if no probe is due."""
    isolate = FakeBackground(UNWATCHED)
    isolate.memory.news.append(Trouble(message="news"))

    assert isolate.respond(0)
    assert isolate.logged == ["news"]
    assert not isolate.respond(1)


def test_an_isolate_asks_the_object_and_takes_its_view() -> None:
    """A fresh view makes probes of its own unnecessary."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: to_json(FRESH))

    isolate.respond_at(range(0, REFRESH + 1, 5))

    assert [asked["version"] for asked in isolate.questions] == [0, int(START)]
    assert [asked["configuration"] for asked in isolate.questions] == [3, 3]
    assert isolate.probed == []
    assert (health(isolate, "a"), health(isolate, "b")) == (Health.HEALTHY, Health.UNHEALTHY)


def test_an_object_is_preferred_to_kv() -> None:
    """With an object, KV is not read."""
    isolate = FakeBackground(CONFIG, (KV, OBJECT), text=to_json(FRESH), broken={"get"})

    isolate.respond(0)

    assert len(isolate.questions) == 1
    assert isolate.log == []


def test_an_object_that_has_not_probed_yet_is_asked_again_soon() -> None:
    """An object that has not probed yet is asked again soon; the isolate probes meanwhile."""
    empty = to_json(replace(FRESH, probed=0.0, origins={}))
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: empty)

    isolate.respond(0)
    isolate.respond(FIRST_ROUND)

    assert len(isolate.questions) == 2
    assert isolate.probed == [(0, "a"), (0, "b")]


def test_an_isolate_that_cannot_reach_the_object_is_on_its_own() -> None:
    """Each failed pull is logged, and what the isolate's own probes find makes it ask soon."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=unreachable)

    isolate.respond_at(range(0, REFRESH + 1, 5))

    assert isolate.logged.count(UNREACHABLE) == len(isolate.questions) == 2
    assert [at for at, name in isolate.probed if name == "a"] == [0, 15, 30]


@pytest.mark.parametrize("answer", [None, "", "nonsense", "129.5"])
def test_an_answer_that_says_nothing_leaves_an_isolate_on_its_own(answer: str | None) -> None:
    """An object with a bad configuration answers nothing, which no isolate logs."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: answer)

    isolate.respond_at(range(0, INTERVAL + 1, 5))

    assert isolate.logged.count(UNREACHABLE) == 0
    assert [at for at, name in isolate.probed if name == "a"] == [0, 15]


def test_probes_wait_for_a_refresh_that_is_under_way() -> None:
    """Probes wait for a running refresh, whose answer may make them unnecessary."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: to_json(FRESH))
    under_way = isolate.background.work(START)

    assert not isolate.respond(1)

    assert under_way is not None
    asyncio.run(under_way)
    assert isolate.probed == []


def test_a_pull_that_never_returns_counts_as_lost() -> None:
    """The first response after the lease asks again."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: to_json(FRESH))
    lost = isolate.background.work(START)
    assert lost is not None
    lost.close()

    isolate.respond_at(range(1, int(LEASE)))
    assert isolate.questions == []
    isolate.respond(LEASE)

    assert len(isolate.questions) == 1
    assert health(isolate, "b") is Health.UNHEALTHY


def test_a_failure_of_real_traffic_is_reported_soon() -> None:
    """Each failure of a request is reported to the object once, and soon."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: to_json(FRESH))
    isolate.respond(0)
    isolate.now += GAP
    fail(isolate)

    isolate.respond(GAP)
    isolate.respond(REFRESH + GAP)

    reports = [asked["reports"] for asked in isolate.questions]
    assert reports == [[], [["p", "a", "connection failed", START + GAP]], []]


def test_what_an_isolate_finds_out_itself_makes_it_ask() -> None:
    """A change is a reason to ask soon; without one the interval counts."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=unreachable)

    isolate.respond_at(range(INTERVAL))

    asked = len(isolate.questions)
    assert asked == 2
    isolate.respond_at(range(INTERVAL, INTERVAL + REFRESH // 2))
    assert len(isolate.questions) == asked
    isolate.down = {"a"}
    isolate.respond_at(range(INTERVAL + REFRESH // 2, INTERVAL + REFRESH // 2 + 4))
    assert len(isolate.questions) == asked + 1


DELIVERED = Delivered(version=4, document={"pools": []})
WITH_CONFIGURATION = with_configuration(DELIVERED, to_json(FRESH))


def test_a_delivered_configuration_takes_over() -> None:
    """After a delivered configuration, the old one's work takes no health and sends no probes."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: WITH_CONFIGURATION)

    isolate.respond(0)

    assert isolate.delivered == [(DELIVERED, PulledHealth(view=FRESH))]
    assert isolate.probed == []
    assert health(isolate, "b") is Health.UNKNOWN


def test_a_delivered_configuration_that_does_not_serve_leaves_the_health() -> None:
    """If a delivered configuration does not serve, the isolate still takes the answer's health."""
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: WITH_CONFIGURATION, takes=False)

    isolate.respond(0)

    assert health(isolate, "b") is Health.UNHEALTHY
    assert not isolate.respond(1)


def test_the_next_configuration_adopts_the_health() -> None:
    """The next configuration takes over the health without asking for it again."""
    isolate = FakeBackground(CONFIG, (OBJECT,))

    isolate.background.adopt(PulledHealth(view=FRESH))

    assert health(isolate, "b") is Health.UNHEALTHY
    assert not isolate.respond(REFRESH - 1)
    assert isolate.questions == []


def test_counts_are_handed_over_until_they_are_stored() -> None:
    """Counts are sent again under the same number after a lost answer."""
    answers = iter([None, f"{to_json(FRESH)}\n1", to_json(FRESH)])
    isolate = FakeBackground(CONFIG, (OBJECT,), pulls=lambda _: next(answers))
    isolate.counts.count_mirrored("*", ("p", "a"))

    for second in (0, REFRESH, 2 * REFRESH):
        isolate.respond(second)

    first, again, none = (asked.get("counts") for asked in isolate.questions)
    assert first is not None
    assert (first["number"], again, none) == (1, first, None)


def test_counts_that_nobody_can_read_are_not_sent() -> None:
    """Without an admin token no counts are sent, because nobody can read them."""
    isolate = FakeBackground(
        CONFIG, (OBJECT,), counts_are_read=False, pulls=lambda _: to_json(FRESH)
    )
    isolate.counts.count_mirrored("*", ("p", "a"))

    isolate.respond(0)

    assert "counts" not in isolate.questions[0]


def test_an_isolate_reads_from_kv_and_writes_what_is_new() -> None:
    """An isolate with KV writes new health and probes as without it, because KV has no prober."""
    there = replace(view(-10, a=Health.HEALTHY, b=Health.HEALTHY), probed=0.0)
    isolate = FakeBackground(CONFIG, (KV,), text=to_json(there), down={"b"})

    isolate.respond(0)

    (put,) = isolate.puts
    written = from_json(put)
    assert written is not None
    assert {name: one.health for (_, name), one in written.origins.items()} == {
        "a": Health.HEALTHY,
        "b": Health.UNHEALTHY,
    }
    assert isolate.probed == [(0, "a"), (0, "b")]


def test_an_empty_kv_is_filled() -> None:
    """The first isolate that has probed fills an empty KV."""
    isolate = FakeBackground(CONFIG, (KV,))

    isolate.respond(0)
    isolate.respond(KV_REFRESH)

    assert len(isolate.puts) == 1
    assert NO_KV not in isolate.logged


def test_an_isolate_goes_on_when_kv_cannot_be_read() -> None:
    """A failed read of KV is logged, and the isolate probes for itself."""
    isolate = FakeBackground(CONFIG, (KV,), broken={"get"})

    isolate.respond_at(range(0, KV_REFRESH, 5))

    assert set(isolate.logged) == {NO_KV}
    assert [at for at, name in isolate.probed if name == "a"] == [5, 20, 35, 50]
    assert (health(isolate, "a"), isolate.puts) == (Health.HEALTHY, [])


def test_an_isolate_goes_on_when_kv_cannot_be_written() -> None:
    """After a failed write to KV, the isolate's health stays and is written later."""
    isolate = FakeBackground(CONFIG, (KV,), broken={"put"})
    isolate.respond(0)
    assert (isolate.logged.count(NO_KV), health(isolate, "a")) == (1, Health.HEALTHY)

    isolate.broken = set()
    isolate.respond_at(range(5, 2 * KV_REFRESH + 1, 5))

    assert isolate.logged.count(NO_KV) == 1
    assert len(isolate.puts) == 1


def test_failures_are_not_kept_for_kv() -> None:
    """Failures are not kept for KV, which has no prober to report them to."""
    isolate = FakeBackground(CONFIG, (KV,))
    fail(isolate)

    isolate.respond(0)

    assert not isolate.memory.reports


def test_kv_is_left_alone_where_nothing_is_watched() -> None:
    """KV is not used without monitors because it holds health alone."""
    isolate = FakeBackground(UNWATCHED, (KV,), broken={"get", "put"})

    assert not isolate.respond(0)


def test_data_points_are_written_every_minute() -> None:
    """Data points are written every minute, each count once."""
    isolate = FakeBackground(UNWATCHED, ("LB_ANALYTICS",))
    isolate.counts.count_mirrored("*", ("p", "a"))

    isolate.respond_at(range(0, int(POINTS_EVERY), 5))
    assert len(isolate.written) == 1
    isolate.counts.count_mirrored("*", ("p", "a"))
    assert not isolate.respond(POINTS_EVERY - 1)
    assert isolate.respond(POINTS_EVERY)

    assert len(isolate.written) == 2


def test_data_points_that_cannot_be_written_are_logged() -> None:
    """Each failed write is logged once, and the next one waits for its minute."""
    isolate = FakeBackground(UNWATCHED, ("LB_ANALYTICS",), broken={"write"})

    isolate.respond_at(range(0, int(POINTS_EVERY) + 1, 5))

    assert isolate.logged == ["data points cannot be written: ConnectionError"] * 2


# The first requests of an isolate.

OTHER = config_of(balancer_of(pool("other", "c")))


class Start:
    """An isolate that has just started, and its requests."""

    def __init__(self, deployed: Config | None, seconds: float, says: Delivered | None) -> None:
        """Let the Durable Object answer after so many seconds."""
        self.served = ServedConfig(deployed, lambda _: OTHER, has_object=True, has_admin=True)
        self.log: list[Event] = []
        self.asked: list[float] = []
        self._seconds, self._says = seconds, says

    async def ask(self) -> None:
        """Ask the Durable Object, as BackgroundWork does."""
        self.asked.append(self._now())
        await asyncio.sleep(self._seconds)
        if self._says is not None:
            self.served.take(self._says)

    async def request(self, at: float) -> tuple[float, Config]:
        """Return when a request that comes at a moment is answered, and by what."""
        await asyncio.sleep(at)
        await until_certain(self.served, self.ask, self._now, self.log.append)
        return round(self._now(), 3), self.served.config

    def requests(self, *moments: float) -> list[tuple[float, Config]]:
        """Return the same for several concurrent requests."""

        async def all_of_them() -> list[tuple[float, Config]]:
            return await asyncio.gather(*(self.request(at) for at in moments))

        return virtual_time.run(all_of_them())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def test_the_first_requests_wait_for_what_operators_have_configured() -> None:
    """The first requests wait for the answer to one question; later requests do not wait."""
    start = Start(CONFIG, 0.05, DELIVERED)

    answered = start.requests(0, 0.01, 1)

    assert answered == [(0.05, OTHER), (0.01 + 2 * LOOK_AGAIN, OTHER), (1, OTHER)]
    assert start.asked == [0]


def test_an_object_without_a_configuration_lets_them_go_on() -> None:
    """If the object has no configuration, the deployment's serves, and nobody asks again."""
    start = Start(CONFIG, 0.05, None)

    assert start.requests(0, 1) == [(0.05, CONFIG), (1, CONFIG)]
    assert start.asked == [0]


def test_no_request_waits_longer_for_an_answer_that_never_comes() -> None:
    """A timeout of the answer is logged once, and the deployment's own configuration serves."""
    start = Start(CONFIG, 1e6, DELIVERED)

    answered = start.requests(0, 1, 5)

    assert [config for _, config in answered] == [CONFIG] * 3
    assert answered[0][0] == FIRST_WAIT
    assert FIRST_WAIT <= answered[1][0] <= FIRST_WAIT + LOOK_AGAIN
    assert answered[2][0] == 5
    assert [event.event for event in start.log] == ["error"]


def test_requests_go_on_when_the_one_that_asked_is_gone() -> None:
    """If the runtime drops the asking request with its client, waiting requests go on."""
    start = Start(CONFIG, 1e6, DELIVERED)

    async def scenario() -> tuple[float, Config]:
        gone = asyncio.ensure_future(start.request(0))
        await asyncio.sleep(0)
        other = asyncio.ensure_future(start.request(0.5))
        await asyncio.sleep(1)
        gone.cancel()
        return await other

    at, config = virtual_time.run(scenario())

    assert FIRST_WAIT <= at <= FIRST_WAIT + LOOK_AGAIN
    assert config == CONFIG


def test_with_nothing_to_serve_others_are_refused_at_once() -> None:
    """Only the request that asks waits; the next one asks after some seconds."""
    start = Start(None, 0.5, None)

    answered = start.requests(0, 0.1, ASK_AGAIN - 1, ASK_AGAIN + 1)

    assert [at for at, _ in answered] == [0.5, 0.1, ASK_AGAIN - 1, ASK_AGAIN + 1.5]
    assert start.asked == [0, ASK_AGAIN + 1]
    assert not start.served.certain


def test_with_nothing_to_serve_a_delivered_configuration_ends_the_questions() -> None:
    """A delivered configuration serves all later requests, which ask no more."""
    start = Start(None, 0.5, DELIVERED)

    assert start.requests(0, 1) == [(0.5, OTHER), (1, OTHER)]
    assert start.asked == [0]


# The first request after a pause.


class Pause:
    """An isolate whose latest pull was a while ago, and its requests that cannot be sent again."""

    def __init__(self, seconds: float, *, after: float = 2 * REFRESH, says: str = "") -> None:
        """Let the Durable Object answer after so many seconds, `after` the latest pull."""
        self.memory = Memory(CONFIG)
        self.log: list[Event] = []
        self.pulls: list[tuple[float, str]] = []
        """Time of each question, and its failure reports."""
        self._seconds, self._after = seconds, 0.0
        down = replace(view(after, a=Health.UNHEALTHY), version=int(START) + 1)
        self._says = says or to_json(down)
        counts = IsolateTotals("isolate", START, analytics=False)
        given = Ports(
            bindings=(OBJECT,),
            state_object=self,
            kv=Unbound(),
            dataset=Unbound(),
            counts=counts,
            counts_are_read=False,
            check=Unbound(),
            clock=self._clock,
            log=self.log.append,
        )
        self.background = BackgroundWork(CONFIG, 0, self.memory, given, lambda *_: False)
        virtual_time.run(self._adopt())
        self._after = after

    async def pull(self, text: str) -> str | None:
        """Answer a question, as the StateObject port."""
        self.pulls.append((round(self._now(), 3), str(json.loads(text)["reports"])))
        if self._says == "unreachable":
            raise ConnectionError
        await asyncio.sleep(self._seconds)
        return self._says

    async def request(self, at: float) -> tuple[float, Health]:
        """Return when a request that comes at a moment goes on, and an origin's health then."""
        await asyncio.sleep(at)
        if self._clock() >= self.background.old_at:
            await self.background.look_first()
        (a, _) = WATCHED.origins
        known = self.memory.snapshot(self._clock()).health(a).health
        return round(self._now(), 3), known

    def requests(self, *moments: float) -> list[tuple[float, Health]]:
        """Return the same for several concurrent requests."""

        async def all_of_them() -> list[tuple[float, Health]]:
            return await asyncio.gather(*(self.request(at) for at in moments))

        return virtual_time.run(all_of_them())

    async def _adopt(self) -> None:
        self.background.adopt(PulledHealth(view=FRESH))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _clock(self) -> float:
        return START + self._after + self._now()


def test_after_a_pause_a_request_that_cannot_be_sent_again_asks_first() -> None:
    """A POST went to an origin that the object had known to be down for a minute, and was lost."""
    pause = Pause(0.04)

    assert pause.requests(0, 1) == [(0.04, Health.UNHEALTHY), (1, Health.UNHEALTHY)]
    assert [at for at, _ in pause.pulls] == [0]


def test_requests_after_a_pause_share_one_question() -> None:
    """Requests that come meanwhile wait for the same answer."""
    pause = Pause(0.1)

    answered = pause.requests(0, 0.05, 0.25)

    assert [known for _, known in answered] == [Health.UNHEALTHY] * 3
    assert [at for at, _ in answered] == [0.1, pytest.approx(0.11, abs=LOOK_AGAIN), 0.25]
    assert len(pause.pulls) == 1


def test_nobody_asks_before_the_view_is_old() -> None:
    """An isolate with ordinary traffic never makes a request wait."""
    pause = Pause(0.04, after=2 * REFRESH - 1)

    assert pause.requests(0, 0.5) == [(0, Health.HEALTHY), (0.5, Health.HEALTHY)]
    assert pause.pulls == []


def test_a_new_isolate_asks_first() -> None:
    """It has no view at all."""
    assert FakeBackground(CONFIG, (OBJECT,)).background.old_at == 0


@pytest.mark.parametrize(
    ("config", "binding"), [(CONFIG, KV), (CONFIG, "LB_OTHER"), (UNWATCHED, OBJECT)]
)
def test_without_an_object_that_knows_more_nobody_asks(config: Config, binding: str) -> None:
    """KV is as old as the view may be, and nothing is known of origins without a monitor."""
    isolate = FakeBackground(config, (binding,))

    isolate.background.adopt(PulledHealth(view=FRESH))

    assert isolate.background.old_at == inf


def test_no_request_waits_long_for_the_newest_health() -> None:
    """The pull is given up and repeated behind the response; its reports are not lost."""
    pause = Pause(1e6)
    pause.memory.reports.append(FailureReport(pool="p", origin="b", cause="reset", at=START))

    answered = pause.requests(0, 0.1)

    assert [known for _, known in answered] == [Health.HEALTHY] * 2
    assert answered[0][0] == LOOK_FIRST
    assert answered[1][0] == pytest.approx(LOOK_FIRST, abs=LOOK_AGAIN)
    assert [one.cause for one in pause.memory.reports] == ["reset"]
    work = pause.background.work(START + 2 * REFRESH + LOOK_FIRST)
    assert work is not None
    work.close()


def test_a_pull_that_hangs_behind_a_response_holds_up_nobody() -> None:
    """A request waits from the start of a pull, whoever started it."""
    pause = Pause(1e6)
    work = pause.background.work(START + 2 * REFRESH)
    assert work is not None
    work.close()

    assert pause.requests(0.1, 1)[0][0] == pytest.approx(LOOK_FIRST, abs=LOOK_AGAIN)
    assert pause.requests(1)[0][0] == 1


def test_an_object_that_cannot_be_reached_is_asked_first_once() -> None:
    """The next request asks after another pause."""
    pause = Pause(0, says="unreachable")

    assert pause.requests(0, 1, 2) == [(at, Health.HEALTHY) for at in (0, 1, 2)]
    assert len(pause.pulls) == 1
    assert [event.event for event in pause.log] == ["error"]
