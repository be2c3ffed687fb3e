"""Outcomes of attempts."""

from __future__ import annotations

import pytest

from lb.request.outcomes import BLAMES_ORIGIN, Cause, Failed, rejected


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
    """The table of causes that blame the origin is total."""
    assert set(BLAMES_ORIGIN) == set(Cause)
    assert not BLAMES_ORIGIN[rejected("Error", uploading=True).cause]
