"""Text functions of the language: case, escapes, wildcards, path normalization."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lb.expressions.syntax_errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_TO_LOWER = str.maketrans(_UPPER, _LOWER)
_TO_UPPER = str.maketrans(_LOWER, _UPPER)
_UNRESERVED = frozenset(_UPPER + _LOWER + "0123456789-._~")
_SLASHES = re.compile(r"[/\\]+")
_ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}")
_MANY_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNICODE_ESCAPES = re.compile(r"%u([0-9A-Fa-f]{4})")
_MOST_DECODINGS = 20


def lower(text: str) -> str:
    """Return text with ASCII letters in lower case, like `lower()` of the language."""
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


def upper(text: str) -> str:
    """Return text with ASCII letters in upper case, like `upper()` of the language."""
    return text.upper() if text.isascii() else text.translate(_TO_UPPER)


def wildcard(pattern: str, *, strict: bool) -> Callable[[str], bool]:
    """Return a matcher of whole texts; raises Fault with a position in `pattern`.

    Each part is looked for after the one before, where it comes first: with no other metacharacter
    than `*` that finds a match whenever there is one, and looks at each character a few times.
    https://developers.cloudflare.com/ruleset-engine/rules-language/operators/#wildcard-matching
    """
    first, *rest = _parts(pattern if strict else lower(pattern))
    if not rest:
        return first.__eq__ if strict else lambda text: lower(text) == first
    *between, last = rest

    def matches(text: str) -> bool:
        if not strict:
            text = lower(text)
        if not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in between:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return at <= end

    return matches


def _parts(pattern: str) -> list[str]:
    parts, at = [""], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            if pattern.startswith("**", at):
                raise Fault(at, "two * in a row are not allowed: one stands for any text")
            parts.append("")
        elif char == "\\":
            at += 1
            char = pattern[at : at + 1]
            if char not in ("*", "\\"):
                raise Fault(at - 1, r"a wildcard pattern knows two escapes: \* and \\")
            parts[-1] += char
        else:
            parts[-1] += char
        at += 1
    return parts


def normal_path(path: str) -> str:
    r"""Return a path as Cloudflare normalizes it by default, before rules see it.

    Unreserved characters are decoded, other escapes get upper case, backslashes are slashes,
    several slashes are one, and dot segments are removed. `/%61dmin` and `//admin` are `/admin`.
    https://developers.cloudflare.com/rules/normalization/how-it-works/
    """
    if "%" in path:
        path = _ESCAPES.sub(_decoded_unreserved, path)
    if "//" in path or "\\" in path:
        path = _SLASHES.sub("/", path)
    if "/." in path:
        path = _without_dots(path)
    return path


def _decoded_unreserved(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    ends = segments[-1] in (".", "..")
    return "/" + "/".join(kept) + ("/" if ends and kept else "")


def url_decoded(text: str, options: str = "") -> str:
    """Return text decoded by `url_decode()`: `r` repeatedly, `u` with `%uXXXX`."""
    for _ in range(_MOST_DECODINGS if "r" in options else 1):
        before, text = text, _decoded_once(text, unicode="u" in options)
        if text == before:
            break
    return text


def _decoded_once(text: str, *, unicode: bool) -> str:
    text = _MANY_ESCAPES.sub(_decoded_bytes, text.replace("+", " "))
    if unicode:
        text = _UNICODE_ESCAPES.sub(_decoded_unicode, text)
    return text


def _decoded_bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _decoded_unicode(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    # A lone surrogate is not a character.
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)
