"""Rules: which of a load balancer's rules a request meets, and what follows from them."""

# https://developers.cloudflare.com/load-balancing/additional-options/load-balancing-rules/
from __future__ import annotations

from typing import TYPE_CHECKING

from lb.expressions import condition
from lb.model import FixedResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lb.model import LoadBalancer, Rule
    from lb.request.facts import RequestFacts

Met = tuple[int, ...]
"""Which rules override something for a request: their places in the order of evaluation."""


class Rules:
    """The rules of one load balancer in the order in which they are asked, conditions prepared."""

    def __init__(self, lb: LoadBalancer) -> None:
        # Lower priorities first; sorting keeps the order of those that have the same.
        ordered = sorted(
            (rule for rule in lb.rules if not rule.disabled), key=lambda rule: rule.priority
        )
        self._lb = lb
        self._rules = tuple(ordered)
        self._asked = tuple(
            (at, _prepared(rule), rule.fixed_response, bool(rule.overrides), rule.terminates)
            for at, rule in enumerate(ordered)
        )

    def decide(self, facts: RequestFacts) -> tuple[Met, str, FixedResponse | None]:
        """Return which rules override something for a request; or a rule's name and its answer.

        A fixed response ends the matter, as `terminates` does.
        """
        met: Met = ()
        for at, matches, response, overrides, terminates in self._asked:
            if not matches(facts):
                continue
            if response is not None:
                return met, self._rules[at].name, response
            if overrides:
                met = (*met, at)
            if terminates:
                break
        return met, "", None

    def asked(self, facts: RequestFacts) -> Iterator[tuple[Rule, bool]]:
        """Yield each rule that `decide` asks for a request, and whether it is met."""
        for at, matches, response, _, terminates in self._asked:
            met = bool(matches(facts))
            yield self._rules[at], met
            if met and (response is not None or terminates):
                return

    def under(self, met: Met) -> LoadBalancer:
        """Return the load balancer as these rules make it; the later ones override the earlier."""
        return self._lb.under(self._rules[at] for at in met)


def _prepared(rule: Rule) -> Callable[[RequestFacts], object]:
    prepared = condition(rule.condition)
    if callable(prepared):
        return prepared
    raise ValueError(f"rule {rule.name}: {prepared[0].message}")
