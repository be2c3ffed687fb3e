"""Requirements of tokens, and their roles."""

from __future__ import annotations

import string

import pytest

from lb.admin.auth.signed_in import Role
from lb.admin.auth.tokens import MAKE_ONE, Closed, Tokens, token_problem, tokens_of

ADMIN = "a" * 32
READ = "r" * 32
GOOD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Terraform accepts only tokens of this kind: ^[0-9A-Za-z\\-_]{40,80}$."""


def opened(admin: str = ADMIN, read: str = READ) -> Tokens:
    """Return the tokens of two valid secrets."""
    found = tokens_of(admin, read)
    assert isinstance(found, Tokens)
    return found


def test_without_the_admin_token_there_is_no_admin_side() -> None:
    """There is no admin side, unless the read token shows that one is wanted."""
    assert tokens_of("", "") is None
    assert tokens_of("", READ) == Closed(("LB_READ_TOKEN is set and LB_ADMIN_TOKEN is not",))


@pytest.mark.parametrize("token", [ADMIN, GOOD, string.printable[:94], "x" * 1024])
def test_a_long_token_of_printable_ascii_is_good(token: str) -> None:
    """A token has 32 characters or more."""
    assert token_problem(token) is None
    assert opened(token).role_of(token) is Role.ADMIN


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("a" * 31, f"has fewer than 32 characters: {MAKE_ONE}"),
        ("a" * 1025, f"has more than 1024 characters: {MAKE_ONE}"),
        *(
            (
                "a" * 31 + bad,
                f"has characters that are not printable ASCII, or spaces: {MAKE_ONE}",
            )
            for bad in (" ", "\t", "\n", "\x00", "\x7f", "\xe4", "\u2028", "\ud800")
        ),
    ],
)
def test_a_token_that_is_not_good_enough_closes_everything(token: str, problem: str) -> None:
    """This holds for either token; the message does not repeat it."""
    assert tokens_of(token, "") == Closed((f"LB_ADMIN_TOKEN {problem}",))
    assert tokens_of(ADMIN, token) == Closed((f"LB_READ_TOKEN {problem}",))


def test_every_problem_is_reported_at_once() -> None:
    """With equal tokens a reader could change everything."""
    short = "has fewer than 32 characters: `evenkeel token` makes a good one"
    same = "LB_READ_TOKEN is the same as LB_ADMIN_TOKEN, so it would do more than read"
    assert tokens_of("a", "a") == Closed(
        (f"LB_ADMIN_TOKEN {short}", f"LB_READ_TOKEN {short}", same)
    )
    assert tokens_of(ADMIN, ADMIN) == Closed((same,))


def test_each_token_has_its_role() -> None:
    """Anything else has no role, however similar."""
    tokens = opened()
    assert tokens.role_of(ADMIN) is Role.ADMIN
    assert tokens.role_of(READ) is Role.READ
    for wrong in ("", "a", ADMIN[:-1], ADMIN + "a", ADMIN.upper(), "\ud800", "\0" * 32):
        assert tokens.role_of(wrong) is None
    assert opened(read="").role_of("") is None


def test_the_key_of_sessions_changes_with_everything_it_is_made_of() -> None:
    """This holds for either token and for the context."""
    keys = [
        tokens_of(admin, read, context)
        for admin, read, context in (
            (ADMIN, READ, ""),
            (ADMIN + "x", READ, ""),
            (ADMIN, READ + "x", ""),
            (ADMIN, "", ""),
            (ADMIN, READ, "x"),
        )
    ]
    assert len({each.key for each in keys if isinstance(each, Tokens)}) == len(keys)
