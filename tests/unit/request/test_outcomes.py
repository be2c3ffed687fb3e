"""Outcomes of attempts."""

from __future__ import annotations

import pytest

from lb.request.outcomes import EVIDENCE, Cause, Evidence, Failed, rejected


@pytest.mark.parametrize(
    ("error", "uploading", "cause"),
    [
        ("AbortError", False, Cause.TIMEOUT),
        ("Error", False, Cause.CONNECTION),
        ("AbortError", True, Cause.UPLOAD),
        ("Error", True, Cause.UPLOAD),
    ],
)
def test_a_rejected_fetch_has_a_cause(error: str, uploading: bool, cause: Cause) -> None:
    """An abort is a time-out; during an upload, the client may be the cause."""
    assert rejected(error, uploading=uploading) == Failed(cause)


def test_a_client_cannot_eject_origins_by_breaking_off_uploads() -> None:
    """The table of what causes say about the origin is total."""
    assert set(EVIDENCE) == set(Cause)
    assert EVIDENCE[rejected("Error", uploading=True).cause] is Evidence.NONE
