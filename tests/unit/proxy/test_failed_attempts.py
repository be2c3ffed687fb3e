"""The failures of a request: which of them cost an origin its place, or a session its origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lb.health.blame import BLAMED_FOR
from lb.health.quiet import TEST_INTERVAL
from lb.health.snapshot import Standing
from lb.log_events import Event
from lb.model import Ejection, LoadBalancer, SessionAffinity
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.run import Exchange
from lb.proxy.steps import Attempt, Deliver, Refuse
from lb.request.outcomes import Answered, Cause, Failed, Outcome
from support.make import balancer_of, config_of, facts, pool

TWO = (pool("first", "a"), pool("second", "b"))
THREE = (*TWO, pool("third", "c"))
REFUSED, SLOW = Failed(Cause.CONNECTION), Failed(Cause.TIMEOUT)
EDGE = {"server": "cloudflare", "cf-ray": "8f00-FRA"}


def answer(status: int = 200, **headers: str) -> Answered:
    """Return an answer; `_` in a header's name stands for `-`."""
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status, lambda name: known.get(name, ""), object())


FINE, BUSY = answer(), answer(503)
HIT = answer(cf_cache_status="HIT")


class Isolate:
    """An isolate whose origins answer by a script."""

    def __init__(self, lb: LoadBalancer) -> None:
        self.now = 1000.0
        self.log: list[Event] = []
        self.balancer = Balancer(config_of(lb))
        self.lb = lb

    def request(
        self,
        outcomes: Mapping[str, Outcome | tuple[Outcome, float]],
        path: str = "/",
        method: str = "GET",
        cookie: str = "",
    ) -> tuple[str, Deliver | Refuse]:
        """Send a request; return the origins that were tried, and the last step."""
        asked = facts(method, f"https://service.example.com{path}", cookie=cookie)
        _, plan = self.balancer.plan(asked, self.now, lambda: 0.0)
        assert isinstance(plan, Plan)
        exchange = Exchange(plan, self.balancer.memory, self, lambda: self.now, self.log.append)  # type: ignore[arg-type] # only discard is used
        step, tried = exchange.start(), ""
        while isinstance(step, Attempt):
            tried += step.origin.name
            found = outcomes[step.origin.name]
            outcome, seconds = found if isinstance(found, tuple) else (found, 0.0)
            self.now += seconds
            step = exchange.take(outcome)
        return tried, step

    def discard(self, answer: Answered) -> None:
        """Nothing is held."""

    def goes(self, method: str = "GET", path: str = "/ordinary") -> str:
        """Return the origins that an ordinary request tries, which all answer."""
        return self.request(dict.fromkeys("abc", FINE), path, method)[0]

    def standings(self) -> list[Standing]:
        seen = self.balancer.memory.snapshot(self.now)
        return [seen.standing(one) for each in self.lb.pools for one in each.origins]

    @property
    def ejected(self) -> bool:
        return Standing.EJECTED in self.standings()


def isolate(*pools: Any, **ejection: Any) -> Isolate:
    """Return an isolate in which every origin has answered well once."""
    made = Isolate(balancer_of(*(pools or TWO), ejection=Ejection(**ejection)))
    made.goes()
    return made


@pytest.mark.parametrize("failure", [BUSY, answer(502), answer(504), REFUSED, SLOW])
@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize("pools", [TWO, THREE], ids=["two", "three"])
def test_a_url_that_fails_everywhere_ejects_nobody(
    failure: Outcome, times: int, pools: Any
) -> None:
    """A single GET that both origins answered with 503 ejected one of them for 30 s."""
    made = isolate(*pools)
    for _ in range(times):
        tried, _ = made.request(dict.fromkeys("abc", failure), "/x")
        assert len(tried) == len(pools)

    assert not made.ejected
    assert made.goes() == "a"
    assert made.goes("POST") == "a"
    assert {type(event).event for event in made.log} <= {"failover", "refused"}


def test_a_slow_url_ejects_nobody() -> None:
    """A report that takes longer than the time-out at every origin says nothing about them."""
    made = isolate()
    tried, step = made.request({"a": (SLOW, 30.0), "b": (FINE, 33.0)}, "/report")

    assert (tried, isinstance(step, Deliver)) == ("ab", True)
    assert not made.ejected

    made.request({"a": (SLOW, 30.0), "b": (FINE, 0.1)}, "/report")
    assert made.ejected  # the other origin was fast


def test_a_slow_post_ejects_nobody() -> None:
    """A POST that runs into the deadline is the price of the request."""
    made = isolate()
    for _ in range(5):
        made.request({"a": (SLOW, 100.0)}, "/report", "POST")
    assert not made.ejected


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("failure", [BUSY, REFUSED])
def test_one_url_that_cannot_be_repeated_ejects_nobody(failure: Outcome, method: str) -> None:
    """A POST that one origin failed, again and again, ejected it and then the next one."""
    made = isolate()
    for _ in range(50):
        made.request({"a": failure, "b": failure}, f"/x?{made.now}", method)
        made.now += 0.1

    assert not made.ejected
    made.now += TEST_INTERVAL
    assert made.goes() == "a"
    assert made.goes("POST") == "a"


def test_one_url_does_not_keep_others_from_their_origin() -> None:
    """An origin that proves to be well between two failures of one path is not suspected anew."""
    made = isolate()
    shares = []
    for _ in range(100):
        made.request({"a": REFUSED, "b": REFUSED}, "/crash", "POST")
        shares.append(made.goes("GET"))
        shares.append(made.goes("POST"))
        made.now += 0.05

    assert shares.count("b") <= 1 + 5 / BLAMED_FOR
    assert not made.ejected


def test_a_broken_origin_loses_its_place_to_proof() -> None:
    """A refused connection that another origin answers for ejects at once."""
    made = isolate()
    made.request({"a": REFUSED, "b": FINE})
    assert made.standings() == [Standing.EJECTED, Standing.AVAILABLE]


def test_statuses_have_a_threshold_of_their_own() -> None:
    """Three in a row by default; a good answer between them starts the count anew."""
    made = isolate()
    for _ in range(2):
        made.request({"a": BUSY, "b": FINE})
    assert not made.ejected
    made.goes()
    for _ in range(2):
        made.request({"a": BUSY, "b": FINE})
    assert not made.ejected
    made.request({"a": BUSY, "b": FINE})
    assert made.standings() == [Standing.EJECTED, Standing.AVAILABLE]

    strict = isolate(consecutive_statuses=1)
    strict.request({"a": BUSY, "b": FINE})
    assert strict.ejected


def test_the_first_failures_of_a_broken_origin_cost_little() -> None:
    """With POSTs alone: of refused ones one is lost, of answers with 503 as many as count."""
    refusing, lost = isolate(), 0
    for number in range(20):
        tried, _ = refusing.request({"a": REFUSED, "b": FINE}, f"/orders/{number}", "POST")
        lost += tried == "a"
    assert lost == 1

    busy, lost = isolate(), 0
    for number in range(20):
        tried, _ = busy.request({"a": BUSY, "b": FINE}, f"/orders/{number}", "POST")
        lost += tried == "a"
    assert (lost, busy.ejected) == (3, True)


def test_two_paths_without_proof_eject() -> None:
    """A session's POSTs stay on their origin; the second path that fails there ejects it."""
    lb = balancer_of(*TWO, session_affinity=SessionAffinity.COOKIE)
    made = Isolate(lb)
    _, step = made.request({"a": FINE})
    assert isinstance(step, Deliver)
    cookie = (step.set_cookie or "").partition(";")[0]

    tried = [
        made.request({"a": REFUSED, "b": FINE}, path, "POST", cookie)[0]
        for path in ("/cart", "/cart", "/pay", "/pay")
    ]
    assert tried == ["a", "a", "a", "b"]


def test_a_session_stays_unless_its_origin_is_really_down() -> None:
    """One request that failed moved its session for good."""
    lb = balancer_of(*TWO, session_affinity=SessionAffinity.COOKIE)
    made = Isolate(lb)
    _, step = made.request({"a": FINE})
    assert isinstance(step, Deliver)
    cookie = (step.set_cookie or "").partition(";")[0]

    def moves(outcomes: dict[str, Outcome]) -> bool:
        _, step = made.request(outcomes, cookie=cookie)
        assert isinstance(step, Deliver)
        return step.set_cookie is not None

    assert not moves({"a": BUSY, "b": FINE})
    assert not moves({"a": BUSY, "b": BUSY})
    assert not moves({"a": FINE})
    assert moves({"a": REFUSED, "b": FINE})


@pytest.mark.parametrize("status", ["HIT", "stale", "UPDATING", "REVALIDATED", "NONE"])
def test_a_cached_answer_is_no_evidence(status: str) -> None:
    """A cached style sheet of a dead origin restored it, and reset the count of its failures.

    With consecutive_failures = 3, eight of eight POSTs were lost and nothing was ejected.
    """
    cached = answer(cf_cache_status=status)
    made = isolate(consecutive_failures=2)
    for number in range(3):
        made.request({"a": REFUSED, "b": FINE}, f"/{number}")
        made.request({"a": cached, "b": FINE}, "/style.css")
    assert made.ejected

    until = made.now + 30
    made.request({"a": cached, "b": REFUSED}, "/style.css")
    assert made.ejected
    made.now = until
    assert made.request({"a": cached, "b": FINE}, "/style.css")[0] == "a"  # a test, without result
    assert made.goes("POST") == "b"


def test_a_cached_failure_blames_nobody() -> None:
    """A 503 from the cache is sent again elsewhere, and counts for nothing."""
    made = isolate(consecutive_statuses=1)
    tried, _ = made.request({"a": answer(503, cf_cache_status="HIT"), "b": FINE})
    assert (tried, made.ejected) == ("ab", False)


@pytest.mark.parametrize(
    "page",
    [
        answer(403, **EDGE),
        answer(403, cf_mitigated="challenge"),
        answer(429, **EDGE),
        answer(302, location="https://team.cloudflareaccess.com/cdn-cgi/access/login/x"),
    ],
)
def test_what_the_edge_answers_by_itself_is_no_evidence(page: Outcome) -> None:
    """A challenge page of Cloudflare restored an ejected origin."""
    made = isolate()
    made.request({"a": REFUSED, "b": FINE})
    made.request({"a": page, "b": REFUSED})
    assert made.ejected

    fresh = isolate()
    for _ in range(10):
        fresh.request({"a": page, "b": FINE})
    assert not fresh.ejected


@pytest.mark.parametrize("status", [502, 520, 521, 522, 523, 525, 526, 527, 530])
def test_what_the_edge_says_of_a_connection_counts_as_one(status: int) -> None:
    """Behind Cloudflare, an origin that cannot be reached shows as a page of the edge."""
    made = isolate()
    made.request({"a": answer(status, **EDGE), "b": FINE})
    assert made.ejected

    own = isolate()
    own.request({"a": answer(status, **EDGE, cf_cache_status="DYNAMIC"), "b": FINE})
    assert not own.ejected


def test_while_a_request_looks_elsewhere_its_origin_is_suspected() -> None:
    """POSTs were lost while a first request waited for its second origin."""
    made = isolate()
    asked = facts()
    _, plan = made.balancer.plan(asked, made.now, lambda: 0.0)
    assert isinstance(plan, Plan)
    exchange = Exchange(plan, made.balancer.memory, made, lambda: made.now, made.log.append)  # type: ignore[arg-type] # only discard is used
    exchange.start()
    exchange.take(REFUSED)  # the second origin takes its time
    assert made.goes("POST") == "b"
    exchange.take(REFUSED)
    assert made.goes("POST") == "a"


def test_several_thresholds_do_not_wait_for_a_doubt() -> None:
    """With consecutive_failures = 3, a single failure neither ejects nor makes suspect."""
    made = isolate(consecutive_failures=3)
    made.request({"a": REFUSED, "b": FINE})
    made.request({"a": REFUSED}, "/orders/1", "POST")
    assert made.goes("POST") == "a"
