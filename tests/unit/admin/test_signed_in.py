"""Authors in the record of changes."""

from __future__ import annotations

import pytest

from lb.admin.auth.signed_in import author_of


@pytest.mark.parametrize(
    ("claimed", "author"),
    [
        ("", "admin token"),
        ("ann@example.com", "admin token (ann@example.com)"),
        ('<b>"a";\r\n(b)\\', "admin token (bab)"),
        ("\u202e\x00 ", "admin token"),
        ("x" * 5000, f"admin token ({'x' * 128})"),
    ],
)
def test_a_token_can_come_with_a_name(claimed: str, author: str) -> None:
    """Characters that a mail address cannot have are left out."""
    assert author_of("admin token", claimed) == author
