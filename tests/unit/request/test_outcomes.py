"""Outcomes of attempts."""

from __future__ import annotations

import pytest

from lb.request.outcomes import EVIDENCE, Answered, Cause, Evidence, Failed, judge, rejected


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


GOOD, NONE, STATUS = Evidence.GOOD, Evidence.NONE, Evidence.STATUS
RETRY_ON = frozenset({403, 500, 502, 503, 504, 521, 522, 524, 530})
EDGE = {"server": "cloudflare", "cf-ray": "8f00ba4-AMS"}
CACHED = {**EDGE, "cf-cache-status": "HIT"}
THROUGH = {**EDGE, "cf-cache-status": "DYNAMIC"}
CHALLENGE = {**EDGE, "cf-mitigated": "challenge"}


@pytest.mark.parametrize(
    ("status", "headers", "evidence", "unreached"),
    [
        (200, {}, GOOD, False),
        (200, THROUGH, GOOD, False),
        (200, EDGE, GOOD, False),
        (200, CACHED, NONE, False),
        (404, {}, GOOD, False),
        (404, CACHED, NONE, False),
        (404, EDGE, NONE, False),
        (503, {}, STATUS, False),
        (503, THROUGH, STATUS, False),
        (503, CACHED, NONE, False),
        # A Worker that is the origin is signed as the edge is.
        (503, EDGE, STATUS, False),
        (500, EDGE, STATUS, False),
        (503, CHALLENGE, NONE, False),
        (403, CHALLENGE, NONE, False),
        (403, EDGE, NONE, False),
        (530, EDGE, Evidence.CONNECTION, True),
        (521, EDGE, Evidence.CONNECTION, True),
        (522, EDGE, Evidence.CONNECTION, False),
        (502, EDGE, Evidence.CONNECTION, False),
        (504, EDGE, Evidence.TIMEOUT, False),
        (524, EDGE, Evidence.TIMEOUT, False),
        (530, {}, STATUS, False),
        (530, THROUGH, STATUS, False),
        (530, {"cf-cache-status": "NONE"}, STATUS, False),
    ],
)
def test_an_answer_is_evidence_of_its_writer(
    status: int, headers: dict[str, str], evidence: Evidence, *, unreached: bool
) -> None:
    """A dead origin's cached stylesheet restored it: only what the origin wrote counts for it."""
    found = judge(RETRY_ON, Answered(status, lambda name: headers.get(name, ""), None))

    assert (found.evidence, found.unreached) == (evidence, unreached)
    assert found.failed is (status in RETRY_ON)
