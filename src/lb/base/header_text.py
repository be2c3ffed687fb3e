"""The text of a header's value."""

from __future__ import annotations


def fits_a_header(value: str) -> bool:
    """Whether a text can be a header's value (RFC 9110, 5.5): printable ASCII on one line."""
    return all(" " <= char <= "~" or char == "\t" for char in value)
