"""Which requests belong to the admin side, and who may send them."""

from __future__ import annotations

import pytest

from lb.admin.auth.audience import Audience, audience_of, below


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/_lb", "/"),
        ("/_lb/", "/"),
        ("/_lb/status", "/status"),
        ("/_lb//status", "//status"),
        ("/_lbx", None),
        ("/_LB/status", None),
        ("//_lb/status", None),
        ("/%5flb/status", None),
        ("/_lb%2fstatus", None),
        ("/_lb;/status", None),
        ("/x/_lb/status", None),
        ("/", None),
    ],
)
def test_the_admin_path_is_matched_byte_for_byte(path: str, rest: str | None) -> None:
    """Any other spelling is an ordinary request."""
    assert below(path, "/_lb") == rest


@pytest.mark.parametrize(
    ("method", "path", "audience"),
    [
        ("GET", "/", Audience.ANYBODY),
        ("HEAD", "/public", Audience.ANYBODY),
        ("POST", "/", Audience.OPERATORS),
        ("POST", "/public", Audience.OPERATORS),
        ("GET", "//", Audience.OPERATORS),
        ("GET", "/public/", Audience.OPERATORS),
        ("GET", "/status", Audience.OPERATORS),
        ("GET", "/metrics", Audience.OPERATORS),
        ("GET", "/session", Audience.SIGNING_IN),
        ("DELETE", "/session", Audience.SIGNING_IN),
        ("GET", "/session/", Audience.OPERATORS),
    ],
)
def test_all_but_the_shell_is_for_operators(method: str, path: str, audience: Audience) -> None:
    """The status page and the public page are for anybody."""
    assert audience_of(method, path) is audience
