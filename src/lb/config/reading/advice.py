"""Advice on values of the wrong kind: what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NUMBER = re.compile(r"\s*\+?(-?[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([A-Za-z%]{0,12})\s*", re.ASCII)
_SECONDS = frozenset({"", "s", "sec", "secs", "second", "seconds"})
_BOOLEANS = {
    "true": "true",
    "yes": "true",
    "on": "true",
    "false": "false",
    "no": "false",
    "off": "false",
}


def number(value: object) -> str:
    """Advice on text in place of a number: `: write 30, without quotes`; else nothing."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return ""
    if found[2].lower() in _SECONDS:
        return f": write {found[1]}, without quotes" + (" and unit" if found[2] else "")
    return ": write the number alone, without quotes and unit; times are in seconds"


def text(value: object) -> str:
    """Advice on a number or a Boolean in place of text; else nothing."""
    return ": put it in quotes" if isinstance(value, bool | int | float) else ""


def boolean(value: object) -> str:
    """Advice on text in place of true or false; else nothing."""
    meant = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    return f": write {meant}, without quotes" if meant else ""


def variable(key: str) -> str:
    """Advice on a variable of the Worker in place of a key; else nothing."""
    named = key == "ORIGINS" or key.startswith("BACKEND_")
    return ": variables stand below [vars] in wrangler.toml" if named else ""


def items(value: object) -> str:
    """Advice on something else in place of a list; else nothing."""
    if isinstance(value, Mapping):
        return ": in a file, its name stands in double brackets: [[name]]"
    return ": put it in [ ]" if isinstance(value, str | int | float) else ""
