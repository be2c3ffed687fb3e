"""Exports a catalog as the text of a file that can be deployed or applied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lb.catalog.applying import STAMPS
from lb.catalog.managed import Kind
from lb.catalog.merging import NAMED_BY, composed
from lb.config import Invalid, parse

if TYPE_CHECKING:
    from lb.catalog.managed import Catalog

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ROUNDS = 20
"""Most passes over a document that is not valid as a file; each removes a key or more."""
_HEADING = "# Exported by Evenkeel. Every key is explained in docs/configuration.md.\n"
_STEPS = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")


def exported(catalog: Catalog, settings: Mapping[str, Any], *, short_sessions: bool) -> str:
    """Return the text of an equivalent loadbalancer.toml.

    What the API takes and a file must not hold, as it has no effect in a Worker, is left out and
    named in comments.
    """
    document = composed(catalog, settings).document
    for kind in Kind:
        document[kind.value] = [_bare(each, kind) for each in document[kind.value]]
    left_out: list[str] = []
    for _ in range(_ROUNDS):
        parsed = parse(document, short_sessions=short_sessions)
        if not isinstance(parsed, Invalid):
            break
        left_out += [
            f"# Left out: {' '.join(str(problem).split())}\n"
            for problem in parsed.problems
            if _taken_out(document, problem.path)
        ]
    return _HEADING + "".join(left_out) + toml(document)


def _bare(entry: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    key = NAMED_BY[kind]
    return {
        name: value
        for name, value in entry.items()
        if name not in STAMPS and value is not None and (name == key or name != "id")
    }


def _taken_out(document: Any, path: str) -> bool:
    """Remove the innermost key of a path; False = nothing left to remove."""
    steps: list[str | int] = [
        int(step[2]) if step[2] else json.loads(step[3]) if step[3] else step[1]
        for step in _STEPS.finditer(path)
    ]
    holders = [document]
    for step in steps:
        try:
            holders.append(holders[-1][step])
        except (KeyError, IndexError, TypeError):
            return False
    for step, holder in zip(reversed(steps), reversed(holders[:-1]), strict=True):
        if isinstance(step, str) and isinstance(holder, dict):
            del holder[step]
            return True
    return False


def toml(document: Mapping[str, Any]) -> str:
    """Return a document as TOML (https://toml.io/en/v1.0.0): objects as tables, the rest inline."""
    lists = {key: value for key, value in document.items() if _is_tables(value)}
    flat = {key: value for key, value in document.items() if key not in lists}
    lines = [_line(key, value) for key, value in flat.items() if value not in (None, {}, [])]
    for key, entries in lists.items():
        for entry in entries:
            lines.append(f"\n[[{_key(key)}]]\n")
            lines += [_line(name, value) for name, value in entry.items() if value is not None]
    return "".join(lines)


def _is_tables(value: object) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)
    )


def _line(key: str, value: Any) -> str:
    if _is_tables(value):
        entries = "".join(f"  {_value(each)},\n" for each in value)
        return f"{_key(key)} = [\n{entries}]\n"
    return f"{_key(key)} = {_value(value)}\n"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in _given(value))
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(value)


def _given(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a table's keys with values; null means not given, and TOML has no null."""
    return ((key, value) for key, value in table.items() if value is not None)


def _text(text: str) -> str:
    # JSON's escapes are TOML's but for DEL, and for what lies beyond 16 bits (which stays itself).
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
