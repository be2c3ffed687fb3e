"""One configuration in service: finds the load balancer of a request, and plans its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.log_events import Refusal
from lb.model.header_secrets import no_secret
from lb.model.identity import identity_of
from lb.proxy.plan import Plan
from lb.proxy.prepared import PreparedLoadBalancer
from lb.proxy.steps import Refuse
from lb.request.hosts import HostTable, loopback
from lb.selection.pool_sets import within
from lb.state.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import Config, LoadBalancer, PoolSet
    from lb.model.header_secrets import Secret
    from lb.proxy.tallies import RequestCounters
    from lb.request.facts import RequestFacts
    from lb.selection.rules import Met, Rules

MISDIRECTED = Refuse(421, Refusal.NO_LOAD_BALANCER)

MOST_COMBINATIONS = 256
"""Most combinations of rules that are kept prepared; the oldest one goes first."""


class Balancer:
    """The prepared configuration and its memory; an isolate keeps it between requests."""

    def __init__(  # noqa: PLR0913 (all that it is made of)
        self,
        config: Config,
        *,
        cookie_key: str = "",
        any_host: bool = False,
        before: Balancer | None = None,
        tallies: Callable[[str], RequestCounters] | None = None,
        secret: Secret = no_secret,
    ) -> None:
        """`before` served until now; the health of origins that stay is taken over from it.

        `tallies` returns the counters of a load balancer by its name; `secret` returns the secrets
        that headers name.
        """
        self._identity = identity_of(config)
        self._cookie_key = cookie_key
        self._secret = secret
        self.memory: Memory = Memory(config, before.memory if before is not None else None)
        self.servings = tuple(self._prepared(lb) for lb in config.load_balancers if lb.enabled)
        if tallies is not None:
            for serving in self.servings:
                serving.tallies = tallies(serving.lb.name)
        self._ruled: dict[tuple[int, Met], PreparedLoadBalancer] = {}
        self._sets: dict[tuple[str, int], PreparedLoadBalancer] = {}
        # In development the host is localhost, whatever the name of the only load balancer.
        alone = any_host and len(self.servings) == 1
        self._hosts = HostTable(
            ("*" if alone else serving.lb.name, serving) for serving in self.servings
        )

    def _prepared(self, lb: LoadBalancer) -> PreparedLoadBalancer:
        return PreparedLoadBalancer(lb, self._identity, self._cookie_key, self._secret)

    def serving_of(self, host: str) -> PreparedLoadBalancer | None:
        """Return the load balancer of a host; None = there is none."""
        return self._hosts.find(host)

    def plan(  # noqa: C901 (a call less for each request)
        self, facts: RequestFacts, now: float, rand: Callable[[], float]
    ) -> tuple[PreparedLoadBalancer | None, Plan | Refuse]:
        """Return the load balancer of a request, and its plan or a refusal."""
        serving = self.serving_of(facts.host)
        if serving is None:
            return None, MISDIRECTED
        if serving.forwarding.loops(facts):
            return serving, Refuse(508, Refusal.LOOP, headers=serving.lb.response_headers.set)
        if serving.lb.https_redirect and not facts.https and not loopback(facts.host):
            return serving, to_https(facts, serving.lb.response_headers.set)
        if serving.trusted_proxies is not None:
            facts.behind(serving.trusted_proxies)
        if serving.sets is not None:
            found = serving.sets.find(facts)
            if found is not None and found.fixed_response is not None:
                return serving, Refuse(
                    found.fixed_response.status_code,
                    Refusal.FIXED_RESPONSE,
                    fixed=found.fixed_response,
                    by=f"pool set {found.name}",
                    headers=serving.lb.response_headers.set,
                )
            if found is not None:
                serving = self._within(serving, found)
        if serving.rules is not None:
            facts.received, facts.load_balancer = now, serving.lb.name
            met, name, response = serving.rules.decide(facts)
            if response is not None:
                return serving, Refuse(
                    response.status_code,
                    Refusal.FIXED_RESPONSE,
                    fixed=response,
                    by=f"rule {name}",
                    headers=serving.lb.response_headers.set,
                )
            if met:
                serving = self._under(serving, serving.rules, met)
        return serving, Plan(serving, self.memory.snapshot(now), facts, rand, now)

    def _within(self, serving: PreparedLoadBalancer, found: PoolSet) -> PreparedLoadBalancer:
        """Return the load balancer for a pool set, prepared once. Rules apply after the set."""
        key = (serving.lb.name, id(found))
        made = self._sets.get(key)
        if made is None:
            made = self._prepared(within(serving.lb, found))
            made.share(serving)
            self._sets[key] = made
        return made

    def _under(self, serving: PreparedLoadBalancer, rules: Rules, met: Met) -> PreparedLoadBalancer:
        """Return the load balancer under these rules, prepared once for each combination."""
        key = (id(serving), met)
        found = self._ruled.get(key)
        if found is None:
            if len(self._ruled) >= MOST_COMBINATIONS:
                del self._ruled[next(iter(self._ruled))]
            found = self._prepared(rules.under(met))
            found.share(serving)
            self._ruled[key] = found
        return found


def to_https(facts: RequestFacts, headers: tuple[tuple[str, str], ...] = ()) -> Refuse:
    """Return the redirect to the same URL over HTTPS.

    301 for GET and HEAD; 308 for the rest, as clients may turn a redirected POST into a GET
    after 301 (RFC 9110, 15.4.2 and 15.4.9).
    """
    status = 301 if facts.method in ("GET", "HEAD") else 308
    location = f"https://{facts.host}{facts.target}"
    return Refuse(status, Refusal.HTTPS_REDIRECT, location=location, headers=headers)
