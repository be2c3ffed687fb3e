"""Headers of every response of the admin side."""

from __future__ import annotations

from lb.admin.calls import Answer
from lb.admin.responses import headers_of, response


def test_no_answer_is_kept_framed_or_read_by_others() -> None:
    """A handler may only replace the policy, for its page."""
    own = (
        ("Cache-Control", "public, max-age=60"),
        ("Content-Security-Policy", "default-src 'self'"),
        ("Access-Control-Allow-Origin", "*"),
        ("ETag", '"7"'),
    )
    found = {name.lower(): value for name, value in headers_of("text/html", own, ())}
    assert found["cache-control"] == "no-store"
    assert found["content-security-policy"] == "default-src 'self'"
    assert found["etag"] == '"7"'
    assert "access-control-allow-origin" not in found
    assert found["x-frame-options"] == "DENY"
    assert found["x-content-type-options"] == "nosniff"
    assert "Content-Type" not in dict(headers_of("", (), ()))
    assert dict(headers_of("a/b", (), ()))["Content-Security-Policy"].startswith(
        "default-src 'none'"
    )


def test_head_and_204_have_no_body() -> None:
    """RFC 9110, 9.3.2 and 15.3.5; a 204 has no type either."""
    answer = Answer(status=200, body="{}")

    assert response(answer, (), "GET").body == "{}"
    head = response(answer, (), "HEAD")
    assert (head.body, dict(head.headers)["Content-Type"]) == ("", "application/json")
    none = response(Answer(status=204, body="{}"), (), "GET")
    assert (none.body, "Content-Type" in dict(none.headers)) == ("", False)
