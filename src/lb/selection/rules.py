"""Rules: which rules of a load balancer match a request, and what they change."""

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
"""The matching rules that override something: their positions in the order of evaluation."""


class Rules:
    """The rules of one load balancer in the order of evaluation, conditions prepared."""

    def __init__(self, lb: LoadBalancer) -> None:
        # Lower priorities first; the sort is stable, so equal ones keep their order.
        ordered = sorted(
            (rule for rule in lb.rules if not rule.disabled), key=lambda rule: rule.priority
        )
        self._lb = lb
        self._rules = tuple(ordered)
        self._prepared = tuple(
            (at, _condition(rule), rule.fixed_response, bool(rule.overrides), rule.terminates)
            for at, rule in enumerate(ordered)
        )

    def decide(self, facts: RequestFacts) -> tuple[Met, str, FixedResponse | None]:
        """Return the rules that override something; and the name of a rule and its response.

        A rule with a fixed response ends the evaluation, as `terminates` does; without one, the
        name is "" and the response None.
        """
        met: Met = ()
        for at, matches, response, overrides, terminates in self._prepared:
            if not matches(facts):
                continue
            if response is not None:
                return met, self._rules[at].name, response
            if overrides:
                met = (*met, at)
            if terminates:
                break
        return met, "", None

    def evaluated(self, facts: RequestFacts) -> Iterator[tuple[Rule, bool]]:
        """Yield each rule that `decide` evaluates for a request, and whether it matches."""
        for at, matches, response, _, terminates in self._prepared:
            met = bool(matches(facts))
            yield self._rules[at], met
            if met and (response is not None or terminates):
                return

    def under(self, met: Met) -> LoadBalancer:
        """Return the load balancer under these rules; later rules override earlier ones."""
        return self._lb.under(self._rules[at] for at in met)


def _condition(rule: Rule) -> Callable[[RequestFacts], object]:
    prepared = condition(rule.condition)
    if callable(prepared):
        return prepared
    raise ValueError(f"rule {rule.name}: {prepared[0].message}")
