"""The maintenance page: when it is given, and its content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import respx

from evenkeel.explain.explanation import explain
from lb.config import Invalid, parse
from lb.health.maintenance import back_at
from lb.log_events import Refusal
from lb.model import Config, FixedResponse, HeaderEdits, Rule, Window
from lb.proxy.balancer import Balancer
from lb.proxy.pages import TEXTS, page
from lb.proxy.plan import RETRY_AFTER, Plan
from lb.proxy.steps import Attempt, Deliver, Refuse
from lb.request.outcomes import Answered, Cause, Failed, judge
from support.edge import FakeEdge
from support.make import balancer_of, config_of, facts, origin, pool, scripted

PAGE = FixedResponse(
    status_code=503, message_body="<h1>Back soon</h1>", content_type="text/html; charset=utf-8"
)
NOW = 1_000.0
BY_EDGE = {"server": "cloudflare", "cf-ray": "1-FRA"}


def plan_of(*pools: object, **fields: object) -> Plan:
    """Return the plan of a request."""
    lb = balancer_of(*pools, **{"maintenance_page": PAGE, **fields})  # type: ignore[arg-type]
    _, plan = Balancer(config_of(lb)).plan(facts(), NOW, scripted(0.0))
    assert isinstance(plan, Plan)
    return plan


def off(name: str, start: float, end: float) -> object:
    """Return an origin with a maintenance window."""
    return origin(name, maintenance=(Window(start=start, end=end),))


def outcome(status: int, headers: dict[str, str]) -> Answered:
    """Return an answer with these headers."""
    return Answered(status, lambda name: headers.get(name, ""), object())


def test_it_is_given_while_all_is_in_maintenance() -> None:
    """Retry-After is the time until the first origin returns."""
    all_off = pool("p", off("a", 900, 1_090.5), off("b", 900, 1_200))  # type: ignore[arg-type]
    step = plan_of(all_off).start()

    assert step == Refuse(503, Refusal.NO_ORIGIN_ENABLED, 91, fixed=PAGE)
    made = page(step)
    assert (made.status, made.body) == (503, "<h1>Back soon</h1>")
    assert dict(made.headers) == {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "text/html; charset=utf-8",
        "Retry-After": "91",
    }


@pytest.mark.parametrize(
    ("windows", "of_pool", "back"),
    [
        ([(900, 1_100)], [], 1_100),
        ([(900, 1_100), (1_050, 1_300)], [], 1_300),
        ([(900, 1_100)], [(1_100, 1_400)], 1_400),
        ([], [(900, 1_200)], 1_200),
        ([], [], 1_000),
    ],
)
def test_an_origin_is_back_when_no_maintenance_is_left(
    windows: list[tuple[float, float]], of_pool: list[tuple[float, float]], back: float
) -> None:
    """Windows of origin and pool may overlap or follow each other; disabled ones never return."""
    own, around = (
        tuple(Window(start=start, end=end) for start, end in times) for times in (windows, of_pool)
    )
    one = pool("p", origin("a", maintenance=own), maintenance=around)

    assert back_at([one], NOW) == back
    assert back_at([replace(one, enabled=False)], NOW) is None
    assert back_at([one, pool("q", origin("b", enabled=False))], NOW) == back


def test_it_is_given_when_everything_is_disabled_or_full() -> None:
    """Retry-After has its default, because the end is unknown."""
    assert plan_of(pool("p", origin("a", enabled=False))).start() == Refuse(
        503, Refusal.NO_ORIGIN_ENABLED, RETRY_AFTER, fixed=PAGE
    )
    lb = balancer_of(pool("p", origin("a", max_requests=1)), maintenance_page=PAGE)
    balancer = Balancer(config_of(lb))
    balancer.memory.in_flight.begin(("p", "a"), NOW, 30.0)
    _, plan = balancer.plan(facts(), NOW, scripted(0.0))
    assert isinstance(plan, Plan)
    step = plan.start()
    assert isinstance(step, Refuse)
    assert step.fixed is PAGE


@pytest.mark.parametrize(
    ("status", "headers", "given"),
    [
        (530, BY_EDGE, True),
        (502, BY_EDGE, True),
        (502, {**BY_EDGE, "cf-cache-status": "DYNAMIC"}, False),
        (503, {}, False),
    ],
)
def test_what_an_origin_answered_itself_is_delivered(
    status: int, headers: dict[str, str], given: bool
) -> None:
    """An error page of Cloudflare's edge is replaced, if there is a maintenance page."""
    answer = outcome(status, headers)
    for fixed in (PAGE, None):
        plan = plan_of(pool("p", "a"), maintenance_page=fixed)
        assert isinstance(plan.start(), Attempt)
        step = plan.after(answer, judge(plan.serving.retry_on, answer), NOW)
        assert isinstance(step, Refuse if given and fixed else Deliver)


def test_it_is_given_when_nothing_answered() -> None:
    """The page follows the last failed attempt; a good answer is delivered, whoever wrote it."""
    plan = plan_of(pool("p", "a"))
    plan.start()
    failed = Failed(Cause.CONNECTION)
    step = plan.after(failed, judge(plan.serving.retry_on, failed), NOW)
    assert step == Refuse(503, Refusal.NO_ORIGIN_ANSWERED, RETRY_AFTER, fixed=PAGE)

    plan = plan_of(pool("p", "a"))
    plan.start()
    good = outcome(403, BY_EDGE)
    assert isinstance(plan.after(good, judge(plan.serving.retry_on, good), NOW), Deliver)


def test_the_answer_that_gives_way_is_let_go() -> None:
    """A replaced answer is discarded: its body would occupy a connection."""
    edge = FakeEdge(config_of(balancer_of(pool("p", "a"), maintenance_page=PAGE)))
    with respx.mock() as router:
        router.route(host="a.example.com").respond(530, headers=BY_EDGE)
        response = edge.fetch("GET", "https://service.example.com/")

    assert (response.status_code, response.text) == (503, PAGE.message_body)
    assert edge.discarded == [530]


def test_explain_tells_of_it() -> None:
    """`explain` names the page as the answer when every attempt has failed."""
    lb = balancer_of(pool("p", "a"), maintenance_page=PAGE)
    found = explain(Balancer(config_of(lb)), facts(), NOW)

    assert found.own is not None
    assert found.own.reason == "no origin answered, with maintenance_page"


def document(**fields: object) -> Config | Invalid:
    """Return the configuration with this page."""
    origins = [{"name": "a", "address": "a.example.com"}]
    return parse(
        {
            "pools": [{"name": "p", "origins": origins}],
            "load_balancers": [
                {
                    "name": "*",
                    "default_pools": ["p"],
                    "fallback_pool": "p",
                    "maintenance_page": fields,
                }
            ],
        }
    )


def test_it_is_configured_by_body_and_type() -> None:
    """The default type is HTML; all problems are reported at once."""
    fine = document(message_body="<h1>Back soon</h1>")
    assert isinstance(fine, Config)
    assert fine.load_balancers[0].maintenance_page == PAGE
    plain = document(message_body="Back soon", content_type="text/plain")
    assert isinstance(plain, Config)
    assert plain.load_balancers[0].maintenance_page == FixedResponse(
        status_code=503, message_body="Back soon", content_type="text/plain"
    )

    wrong = document(content_type="a\r\nb", status=200)
    assert isinstance(wrong, Invalid)
    at = "$.load_balancers[0].maintenance_page"
    assert [(problem.path, problem.message[:20]) for problem in wrong.problems] == [
        (f"{at}.status", "unknown key"),
        (f"{at}.message_body", "missing: this key mu"),
        (f"{at}.content_type", "a header's value has"),
    ]


def test_every_refusal_has_a_page_or_a_response_of_its_own() -> None:
    """The table of pages is total but for redirects and fixed responses."""
    assert set(Refusal) - set(TEXTS) == {Refusal.HTTPS_REDIRECT, Refusal.FIXED_RESPONSE}


CORS = (("Access-Control-Allow-Origin", "*"), ("Cache-Control", "private"))


@pytest.mark.parametrize(
    ("changes", "url", "status"),
    [
        ({}, "https://x.test/", 503),
        ({"maintenance_page": PAGE}, "https://x.test/", 503),
        ({"https_redirect": True}, "http://x.test/", 301),
        (
            {"rules": (Rule(name="r", fixed_response=FixedResponse(status_code=403)),)},
            "https://x.test/",
            403,
        ),
    ],
)
def test_own_responses_have_the_response_headers(
    changes: dict[str, Any], url: str, status: int
) -> None:
    """A browser showed a CORS error in place of a 503, which lacked the headers."""
    edits = HeaderEdits(set=CORS)
    lb = balancer_of(pool("p", origin("a", enabled=False)), response_headers=edits, **changes)
    _, plan = Balancer(config_of(lb)).plan(facts(url=url), NOW, scripted(0.0))
    refusal = plan.start() if isinstance(plan, Plan) else plan
    assert isinstance(refusal, Refuse)

    made = page(refusal)

    assert made.status == status
    assert set(CORS) <= set(made.headers)
    assert [name for name, _ in made.headers].count("Cache-Control") == 1
