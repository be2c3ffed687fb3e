"""Events of the log."""

from __future__ import annotations

import json

from lb.log_events import MOST_FRAMES, trouble


def test_a_fault_is_logged_with_its_places_and_without_its_values() -> None:
    """The type of the error, and the folder, file and line of each of the last frames."""
    try:
        json.loads('{"secret": secret}')
    except ValueError as error:
        message = trouble("a request failed", error).message

    what, _, places = message.partition(" at ")
    files = [place.rpartition(":")[0] for place in places.split()]
    assert what == "a request failed: JSONDecodeError"
    assert files[0] == "unit/test_log_events.py"
    assert files[-1] == "json/decoder.py"
    assert len(files) <= MOST_FRAMES
    assert "secret" not in message


def test_a_deep_fault_is_logged_with_its_innermost_frames() -> None:
    """A long traceback does not make a long line."""

    def nested(depth: int) -> None:
        if not depth:
            raise ValueError
        nested(depth - 1)

    try:
        nested(50)
    except ValueError as error:
        message = trouble("a request failed", error).message

    assert message.count("unit/test_log_events.py:") == MOST_FRAMES
