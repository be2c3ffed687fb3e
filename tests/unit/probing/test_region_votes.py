"""Probes from several regions: location hints, and the majority of votes."""

from __future__ import annotations

import pytest

from lb.config import Invalid, parse
from lb.health.groups import together
from lb.health.verdict import Verdict
from lb.model import Config, Health, Region
from lb.probing.region_votes import (
    HINTS,
    majority,
    question_from_json,
    question_to_json,
    votes_from_json,
    votes_to_json,
)
from support.make import balancer_of, config_of, monitor, origin, pool
from support.state import World

WNAM, WEU, OC = Region.WNAM, Region.WEU, Region.OC
PASSED = Verdict(passed=True)


def failed(cause: str = "HTTP timeout occurred") -> Verdict:
    """Return a failed verdict."""
    return Verdict(passed=False, cause=cause)


def voting(votes: dict[Region, dict[str, bool]]) -> World:
    """Return a world of one origin that is probed from three regions with these votes."""
    watching = monitor(interval=30, consecutive_down=1)
    config = config_of(balancer_of(pool("p", "a", monitor=watching, check_regions=(WNAM, WEU, OC))))
    return World(config, votes=votes)


def test_every_region_has_a_location_hint() -> None:
    """Nine hints stand for Cloudflare's thirteen regions."""
    assert set(HINTS) == set(Region)
    assert len(set(HINTS.values())) == 9


@pytest.mark.parametrize(
    ("votes", "verdict"),
    [
        ([], None),
        ([PASSED], PASSED),
        ([failed()], failed()),
        ([PASSED, PASSED, failed()], PASSED),
        ([PASSED, failed(), failed()], failed()),
        ([PASSED, failed()], failed()),
        ([failed("a"), failed("b"), failed("b")], failed("b")),
    ],
)
def test_the_majority_decides(votes: list[Verdict], verdict: Verdict | None) -> None:
    """Half is no majority; the cause is the most frequent one."""
    assert majority(votes) == verdict


def test_each_region_is_asked_once_a_round() -> None:
    """A region gets all its origins in one call, and nothing is probed from here."""
    world = voting({region: {"a": True} for region in (WNAM, WEU, OC)})

    world.run_until(30)

    assert world.asked_regions == [(region, (("p", "a"),)) for region in (WNAM, WEU, OC)] * 2
    assert world.probes == []
    assert world.health() == {"a": Health.HEALTHY}


def test_one_region_that_sees_nothing_changes_nothing() -> None:
    """One of three regions that fails is outvoted."""
    world = voting({WNAM: {"a": False}, WEU: {"a": True}, OC: {"a": True}})

    world.run_until(0)

    assert world.health() == {"a": Health.HEALTHY}


def test_a_region_that_cannot_be_asked_has_no_vote() -> None:
    """One against one is no majority."""
    world = voting({WNAM: {"a": False}, WEU: {"a": True}})

    world.run_until(0)

    assert world.health() == {"a": Health.UNHEALTHY}
    assert world.view().origins["p", "a"].cause == "seen from WNAM"


def test_an_origin_without_a_vote_is_probed_from_here() -> None:
    """An origin without any vote is probed from here."""
    world = voting({})

    world.run_until(0)

    assert world.probes == [(0, "a")]
    assert world.health() == {"a": Health.HEALTHY}


def test_questions_and_votes_survive_their_texts() -> None:
    """A region probes only what is in its configuration."""
    config = config_of(balancer_of(pool("p", "a", "b", monitor=monitor())))
    votes = {("p", "a"): PASSED, ("p", "b"): failed()}

    watch = monitor()
    question = question_to_json([(origin("b"), watch), (origin("gone"), watch)])
    asked = question_from_json(question, config)

    assert [one.key for one, _ in asked] == [("p", "b")]
    assert votes_from_json(votes_to_json(votes)) == votes


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[["p", "a"]]', '[["p", "a", 1, "x"]]', "[" * 9999]
)
def test_a_foreign_text_is_no_vote(text: str) -> None:
    """A foreign text is neither votes nor a question."""
    assert votes_from_json(text) == {}
    assert question_from_json(text, config_of(balancer_of(pool("p", "a")))) == []


def parsed(regions: list[str]) -> object:
    """Return a configuration with these regions, or its problems."""
    origins = [{"name": "a", "address": "a.example.com"}]
    pools = [{"name": "p", "origins": origins, "check_regions": regions}]
    balancers = [{"name": "*", "default_pools": ["p"], "fallback_pool": "p"}]
    return parse({"pools": pools, "load_balancers": balancers})


def test_regions_are_read_each_once_in_cloudflares_order() -> None:
    """ALL_REGIONS, an Enterprise feature of Cloudflare, is all thirteen."""
    for given, read in (
        ([], ()),
        (["OC", "WEU", "OC"], (WEU, OC)),
        (["ALL_REGIONS", "WEU"], tuple(Region)),
    ):
        config = parsed(given)
        assert isinstance(config, Config)
        assert config.pools[0].check_regions == read


def test_china_is_refused_with_the_reason() -> None:
    """CHINA is a region of Cloudflare's where no Durable Object can be."""
    refused = parsed(["CHINA"])

    assert isinstance(refused, Invalid)
    assert "Durable Objects" in refused.problems[0].message


def test_an_inconclusive_verdict_is_no_vote() -> None:
    """A region that a cache answered leaves the decision to the others, monitor by monitor."""
    cached = Verdict(passed=False, conclusive=False, cause="cached")
    group = together({"m": cached, "n": PASSED})
    assert group is not None
    votes = {("p", "a"): cached, ("p", "b"): PASSED, ("p", "c"): group}

    found = votes_from_json(votes_to_json(votes))

    assert set(found) == {("p", "b"), ("p", "c")}
    assert [name for name, _ in found["p", "c"].members] == ["n"]
