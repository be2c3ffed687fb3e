"""Header values that are secrets of the Worker: their names, and what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.header_text import fits_a_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Secret = Callable[[str], str | None]
    """Returns the value of a secret by its name; a missing one as anything false."""


class SecretName:
    """The name of a secret, in place of a header's value. The model never holds the secret."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretName) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"SecretName({self.name!r})"


HeaderValue = str | SecretName


def no_secret(_name: str) -> str:
    """Return the value of a secret where there is none."""
    return ""


def usable(name: str, secret: Secret) -> str:
    """Return what is sent for a secret; "" = it is missing, or no header's value."""
    # A secret that was stored with `echo` ends with a line end.
    value = (secret(name) or "").strip()
    return value if fits_a_header(value) else ""


def problem_of(value: HeaderValue, secret: Secret) -> str:
    """Return why a header cannot be sent, without the secret; "" = it can."""
    if isinstance(value, str) or usable(value.name, secret):
        return ""
    if (secret(value.name) or "").strip():
        return f"the secret {value.name} is not one line of printable ASCII"
    return f"there is no secret {value.name}"


def sent(
    pairs: Iterable[tuple[str, HeaderValue]], secret: Secret
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the headers to send, and the names of those whose secret is missing or unusable."""
    found = [
        (name, value if isinstance(value, str) else usable(value.name, secret), value)
        for name, value in pairs
    ]
    return (
        tuple((name, text) for name, text, value in found if text or isinstance(value, str)),
        tuple(name for name, text, value in found if not text and not isinstance(value, str)),
    )


def how_to_store(name: str) -> str:
    """Return the end of a message about a missing secret."""
    return f"store it with `evenkeel wrangler secret put {name}`"
