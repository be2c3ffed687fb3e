"""The configuration that an isolate serves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lb.model import Config
from lb.state.pull import OF_THE_DEPLOYMENT, Delivered
from lb.state.served_config import ASK_AGAIN, FIRST_WAIT, NOTHING, ServedConfig, Taken
from support.make import balancer_of, config_of, pool

DEPLOYED = config_of(balancer_of(pool("deployed", "a")))
NEWER = config_of(balancer_of(pool("newer", "a")))
GOOD = Delivered(version=4, document={"good": True})
BAD = Delivered(version=5, document={"good": False})


@dataclass(frozen=True)
class Unreadable:
    """A configuration of another release."""

    problems: tuple[str, ...] = ("unknown key @ $.a", "unknown key @ $.b")


def read(delivered: Delivered) -> Config | Unreadable:
    """Read GOOD, and nothing else."""
    return NEWER if delivered.document == GOOD.document else Unreadable()


def served(deployed: Config | None = DEPLOYED, *, has_admin: bool = True) -> ServedConfig:
    """Return the choice of an isolate with a Durable Object."""
    return ServedConfig(deployed, read, has_object=True, has_admin=has_admin)


@pytest.mark.parametrize(
    ("deployed", "has_object", "has_admin", "certain"),
    [
        (DEPLOYED, False, False, True),
        (DEPLOYED, False, True, True),
        (DEPLOYED, True, False, True),
        (DEPLOYED, True, True, False),
        (None, False, False, True),
        (None, False, True, True),
        (None, True, False, False),
        (None, True, True, False),
    ],
)
def test_requests_wait_only_where_an_object_may_know_better(
    deployed: Config | None, has_object: bool, has_admin: bool, certain: bool
) -> None:
    """Requests wait if an object may have a configuration, or if the deployment's is invalid."""
    isolate = ServedConfig(deployed, read, has_object=has_object, has_admin=has_admin)

    assert isolate.certain is certain
    assert isolate.asks(0.0) is not certain


def test_a_delivered_configuration_replaces_the_deployment_s() -> None:
    """A delivered configuration replaces the deployment's, and ends the wait of first requests."""
    isolate = served()

    assert isolate.take(GOOD) == Taken(serves=True)
    assert (isolate.config, isolate.version, isolate.certain) == (NEWER, 4, True)


def test_a_version_that_is_known_is_no_news() -> None:
    """The document of a known version is not read."""
    isolate = served()
    isolate.take(GOOD)

    assert isolate.take(Delivered(version=4, document=None)) == Taken(serves=False)
    assert isolate.config == NEWER


def test_a_configuration_of_another_release_is_logged_and_left() -> None:
    """Each problem is logged once, with the version; the isolate serves what it had."""
    isolate = served()

    taken = isolate.take(BAD)

    assert not taken.serves
    assert [one.message for one in taken.troubles] == [
        "configuration 5: unknown key @ $.a",
        "configuration 5: unknown key @ $.b",
    ]
    assert (isolate.config, isolate.version) == (DEPLOYED, 5)
    assert isolate.take(BAD) == Taken(serves=False)


def test_an_isolate_goes_back_to_the_deployment_s_own() -> None:
    """The isolate returns to the deployment's configuration if the operators' one is gone."""
    isolate = served()
    isolate.take(GOOD)

    assert isolate.take(OF_THE_DEPLOYMENT) == Taken(serves=True)
    assert (isolate.config, isolate.version) == (DEPLOYED, 0)


def test_an_isolate_that_goes_back_to_nothing_asks_again() -> None:
    """An isolate without a valid configuration answered 500 until its end, and asked no more."""
    isolate = served(None)
    isolate.take(GOOD)

    isolate.take(OF_THE_DEPLOYMENT)

    assert (isolate.good, isolate.config, isolate.certain) == (False, NOTHING, False)
    assert isolate.asks(100.0)
    assert isolate.take(GOOD).serves
    assert isolate.certain


def test_one_request_asks_and_the_others_wait() -> None:
    """One request asks; the others wait for its answer or until the time is over."""
    isolate = served()

    assert isolate.asks(100.0)
    assert not isolate.asks(100.0)
    assert isolate.waits(100.0)
    assert isolate.waits(100.0 + FIRST_WAIT - 0.1)
    assert not isolate.waits(100.0 + FIRST_WAIT)
    assert isolate.asks(100.0 + FIRST_WAIT)
    isolate.settle()
    assert not isolate.waits(100.0)
    assert not isolate.asks(1e9)


def test_with_nothing_to_serve_nobody_waits_for_another_one_s_question() -> None:
    """With nothing to serve, requests are refused at once; the question is repeated later."""
    isolate = served(None)

    assert isolate.asks(100.0)
    assert not isolate.waits(100.0)
    isolate.settle()
    assert not isolate.asks(100.0 + ASK_AGAIN - 0.1)
    assert isolate.asks(100.0 + ASK_AGAIN)
