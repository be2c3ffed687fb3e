"""Parses the text of a TOML file into a Config."""

from __future__ import annotations

import tomllib

from lb.config.document import Invalid, Parsed, Source, parse
from lb.config.reading.problems import Problem

_NOTHING_SERVED = Problem(
    "$.load_balancers", "missing: without a [[load_balancers]] nothing is served"
)


def from_toml(text: str) -> Parsed:
    """The configuration in a file's text; a file must have a load balancer, a document need not."""
    return source_in_toml(text).parsed


def source_in_toml(text: str) -> Source:
    """The file's document, and its configuration or problems."""
    try:
        # Some editors begin a file with a byte order mark.
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        return Source({}, Invalid((Problem("$", "is nested too deeply"),)))
    except ValueError as error:
        # TOMLDecodeError says the line; a very long integer is a plain ValueError.
        return Source({}, Invalid((Problem("$", f"is not TOML: {str(error)[:200]}"),)))
    return Source(document, _parsed(document))


def _parsed(document: dict[str, object]) -> Parsed:
    parsed = parse(document)
    if document.get("load_balancers") in (None, []):
        found = parsed.problems if isinstance(parsed, Invalid) else ()
        return Invalid((*found, _NOTHING_SERVED))
    return parsed
