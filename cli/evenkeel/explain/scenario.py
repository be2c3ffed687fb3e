"""The request to explain, the configuration, and the assumed health of origins."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evenkeel.check.examination import examined
from evenkeel.explain.explanation import explain
from evenkeel.explain.model import Explanation
from evenkeel.output.errors import UsageError
from lb.config.doubts import Stage
from lb.config.reading.problems import nearest
from lb.health.blame import Failure
from lb.health.verdict import OriginHealth
from lb.model import Config, Health, LoadBalancer, Origin
from lb.model.identity import identity_of
from lb.proxy.balancer import Balancer
from lb.proxy.steps import Refuse
from lb.request.facts import RequestFacts
from lb.request.outcomes import Evidence
from lb.state.shared_view import SharedHealth


@dataclass(frozen=True, slots=True)
class Request:
    """The request to explain; it is never sent."""

    host: str
    path: str
    method: str
    headers: Mapping[str, str]
    cf: Mapping[str, str]
    https: bool
    body: int

    @property
    def url(self) -> str:
        return f"http{'s' if self.https else ''}://{self.host}{self.path}"

    def facts(self, cookie: str = "") -> RequestFacts:
        """The request as the balancer gets it, with one more cookie if given."""
        headers = dict(self.headers)
        cookies = "; ".join(each for each in (headers.get("cookie", ""), cookie) if each)
        if cookies:
            headers["cookie"] = cookies
        if self.body:
            headers["content-length"] = str(self.body)
        return RequestFacts(
            self.method, self.url, headers.get, lambda: self.body > 0, self.cf.get, headers.items
        )


def configuration(file: Path | None, variables: Mapping[str, str]) -> Config:
    """The configuration that the Worker would have."""
    found = examined(file, Stage.DEV, variables)
    if found.config is None:
        raise UsageError("\n".join(str(each) for each in found.problems))
    return found.config


def explained(  # noqa: PLR0913, PLR0917 - the request, and what is assumed
    config: Config,
    request: Request,
    down: Iterable[str],
    ejected: Iterable[str],
    session: str,
    now: float,
) -> Explanation:
    """Explain the request, with these origins unhealthy or ejected.

    `session` is the origin of the client's affinity cookie, "" for none.
    """
    balancer = Balancer(config, cookie_key=os.environ.get("LB_COOKIE_KEY", ""))
    health = {one.key: OriginHealth(health=Health.UNHEALTHY) for one in origins(config, down)}
    balancer.memory.adopt(
        SharedHealth(version=1, fingerprint=identity_of(config), probed=now, origins=health), now
    )
    for one in origins(config, ejected):
        eject(balancer, config, one, now)
    cookie = ""
    if session:
        cookie = cookie_of(balancer, request, origins(config, [session]), now)
    return explain(balancer, request.facts(cookie), now)


def eject(balancer: Balancer, config: Config, origin: Origin, now: float) -> None:
    """Record as many failed requests to an origin as eject it."""
    lb = next((lb for lb in config.load_balancers if uses(lb, origin)), None)
    if lb is None:
        raise UsageError(f"no load balancer uses {'/'.join(origin.key)}")
    failure = Failure(Evidence.CONNECTION, "assumed")
    for _ in range(lb.ejection.consecutive_failures):
        balancer.memory.failed(lb, origin, failure, now, now)


def uses(lb: LoadBalancer, origin: Origin) -> bool:
    """Whether a load balancer uses an origin."""
    return any(pool.name == origin.pool for pool in lb.watched)


def cookie_of(balancer: Balancer, request: Request, named: list[Origin], now: float) -> str:
    """The affinity cookie of the first of these origins that has one."""
    facts = request.facts()
    _, plan = balancer.plan(facts, now, lambda: 0.0)
    affinity = None if isinstance(plan, Refuse) else plan.serving.affinity
    if isinstance(plan, Refuse) or affinity is None:
        raise UsageError(f"--session: nothing keeps sessions for {facts.host}")
    for origin in named:
        if origin.pool in plan.serving.pools:
            cookie = affinity.cookie(origin, https=request.https)
            if cookie is not None:
                return cookie.partition(";")[0]
    raise UsageError(f"--session: {plan.serving.lb.name} gives no cookie for that origin")


def origins(config: Config, names: Iterable[str]) -> list[Origin]:
    """The origins of these names; a name without a pool is every origin that has it."""
    known = [origin for pool in config.pools for origin in pool.origins]
    found: list[Origin] = []
    for name in names:
        named = [one for one in known if name in {one.name, "/".join(one.key)}]
        if not named:
            hint = nearest(name, [one.name for one in known])
            raise UsageError(f"there is no origin {name}{hint}")
        found += named
    return found


def only_host(config: Config) -> str:
    """A host of the only load balancer; UsageError if there are several."""
    names = [lb.name for lb in config.load_balancers if lb.enabled]
    if len(names) != 1:
        raise UsageError(f"--host: one of {', '.join(names) or 'none'}")
    return {"*": "localhost"}.get(names[0], names[0].replace("*", "www"))
