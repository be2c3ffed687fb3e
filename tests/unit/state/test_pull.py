"""The text of a pull: one end reads what the other writes."""

from __future__ import annotations

import json

import pytest

from lb.health.verdict import FailureReport, OriginHealth
from lb.model import Health
from lb.state.pull import (
    NO_HEALTH,
    OF_THE_DEPLOYMENT,
    Delivered,
    PulledHealth,
    Question,
    health_answer,
    question,
    read_answer,
    read_question,
    with_configuration,
)
from lb.state.shared_view import NOTHING_SHARED, SharedHealth, to_json

VIEW = SharedHealth(
    version=7,
    fingerprint="f",
    probed=99.0,
    origins={("p", "a"): OriginHealth(health=Health.HEALTHY, checked=90.0)},
)
REPORT = FailureReport(pool="p", origin="a", cause="timed out", at=100.5)
STRANGER = read_question("")


def test_the_text_of_a_question_does_not_change() -> None:
    """Isolates and objects of two releases understand each other."""
    assert question(VIEW, 3, [REPORT], {"number": 1}) == (
        '{"fingerprint":"f","version":7,"configuration":3,'
        '"reports":[["p","a","timed out",100.5]],"paced":true,"counts":{"number":1}}'
    )


def test_a_question_is_read_as_it_was_asked() -> None:
    """A question has the isolate's versions of view and configuration, its failures and counts."""
    assert read_question(question(VIEW, 3, [REPORT], {"number": 1})) == Question(
        fingerprint="f",
        version=7,
        configuration=3,
        reports=[["p", "a", "timed out", 100.5]],
        counts={"number": 1},
        paced=True,
    )


def test_an_isolate_without_counts_sends_none() -> None:
    """Without counts the key is missing, as in the questions of older releases."""
    assert "counts" not in json.loads(question(VIEW, 3, []))


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"reports":5}', '{"configuration":true}'])
def test_a_question_that_cannot_be_read_asks_for_everything(text: str) -> None:
    """Without a known view the answer has the whole one; without a version, no configuration."""
    assert read_question(text) == Question(
        fingerprint=None, version=None, configuration=None, reports=[], counts=None
    )


def test_an_isolate_that_has_the_view_gets_the_time_of_its_latest_round() -> None:
    """An isolate with the current view gets only the time of the latest round."""
    answer = health_answer(read_question(question(VIEW, 3, [])), VIEW, None, 20.0)

    assert answer == "99.0\n0\n20.00"
    assert read_answer(answer) == (None, PulledHealth(probed=99.0, again=20.0))


@pytest.mark.parametrize("stored", [None, 12])
@pytest.mark.parametrize("known", [VIEW, NOTHING_SHARED])
def test_an_isolate_of_an_older_release_gets_the_answer_that_it_reads(
    stored: int | None, known: SharedHealth
) -> None:
    """An older release takes nothing but the number of its counts for the text below the health."""
    older = json.loads(question(known, 3, []))
    del older["paced"]

    answer = health_answer(read_question(json.dumps(older)), VIEW, stored, 20.0)

    health, _, number = answer.partition("\n")
    assert number == ("" if stored is None else "12")
    assert health == ("99.0" if known is VIEW else to_json(VIEW))


@pytest.mark.parametrize("answer", ["99.0", "99.0\n12", to_json(VIEW)])
def test_an_object_of_an_older_release_does_not_say_when_to_ask_again(answer: str) -> None:
    """Without a third line, an isolate keeps its own time."""
    assert read_answer(answer)[1].again is None


@pytest.mark.parametrize("below", ["", "x", "nan", "inf", "1\n2", '{"a":1}'])
def test_a_time_that_is_none_is_left_out(below: str) -> None:
    """An unreadable third line leaves the health and the counts as they are."""
    assert read_answer(f"99.0\n12\n{below}") == (None, PulledHealth(probed=99.0, stored=12))


@pytest.mark.parametrize("asked", [STRANGER, read_question(question(NOTHING_SHARED, 3, []))])
def test_an_isolate_that_has_another_view_gets_the_whole_one(asked: Question) -> None:
    """An isolate with another view gets the whole current view."""
    assert read_answer(health_answer(asked, VIEW, None, 20.0)) == (
        None,
        PulledHealth(view=VIEW, again=20.0 if asked.paced else None),
    )


@pytest.mark.parametrize("known", [VIEW, NOTHING_SHARED])
def test_an_answer_says_which_counts_are_stored(known: SharedHealth) -> None:
    """The number of stored counts stands below a view as well as below a time."""
    _, health = read_answer(health_answer(read_question(question(known, 3, [])), VIEW, 12, 20.0))

    assert health.stored == 12


@pytest.mark.parametrize("below", ["", "x", "-1", "1.5", "9" * 16])
def test_a_number_of_counts_that_is_none_acknowledges_nothing(below: str) -> None:
    """An invalid number of stored counts acknowledges nothing, and the health is still read."""
    assert read_answer(f"99.0\n{below}") == (None, PulledHealth(probed=99.0))


@pytest.mark.parametrize(
    "delivered",
    [
        OF_THE_DEPLOYMENT,
        Delivered(version=7, document={"pools": [{"name": "ü"}]}),
        Delivered(version=8, document={}, short_sessions=True),
    ],
)
def test_a_configuration_comes_as_it_was_sent(delivered: Delivered) -> None:
    """A configuration reads back as it was sent, beside the health."""
    answer = with_configuration(delivered, health_answer(STRANGER, VIEW, 12, 20.0))

    assert read_answer(answer) == (delivered, PulledHealth(view=VIEW, stored=12))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "nonsense",
        "nan",
        "inf",
        "null",
        "{}",
        "{",
        '{"configuration":',
        '{"configuration":5}',
        '{"configuration":{"version":"1"}}',
    ],
)
def test_an_answer_that_cannot_be_read_says_nothing(answer: str | None) -> None:
    """An unreadable answer gives neither a configuration nor health."""
    assert read_answer(answer) == (None, NO_HEALTH)
