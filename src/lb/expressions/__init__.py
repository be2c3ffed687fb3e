"""Cloudflare's rules language: compiled once, evaluated for each request on demand."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lb.expressions.parser import LONGEST, Parser
from lb.expressions.syntax_errors import Fault, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.request.facts import RequestFacts

__all__ = ["LONGEST", "Wrong", "condition"]


@lru_cache(maxsize=2048)
def condition(text: str) -> Callable[[RequestFacts], object] | tuple[Wrong, ...]:
    """Return a predicate on requests for a condition, or all of its problems.

    An empty condition is always met
    (https://developers.cloudflare.com/api/resources/load_balancers/, rules.condition).
    """
    if not text.strip():
        return _always
    if len(text) > LONGEST:
        message = f"an expression has at most {LONGEST} characters, not {len(text)}"
        return (Wrong(LONGEST, message),)
    parser = Parser(text)
    try:
        value = parser.whole()
    except Fault as fault:
        parser.wrong.append(Wrong(fault.at, fault.message))
    if parser.wrong:
        return tuple(sorted(parser.wrong, key=lambda each: each.at))
    return value.get


def _always(facts: RequestFacts) -> bool:
    del facts
    return True
