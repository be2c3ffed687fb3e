"""Builders of a configuration's objects, with defaults for what a test leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.health.blame import Failure
from lb.model import Config, LoadBalancer, Monitor, MonitorType, Origin, Pool
from lb.request.facts import RequestFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.request.outcomes import Judgement
    from lb.state.memory import Memory


def origin(name: str, pool: str = "p", **fields: Any) -> Origin:
    """Return the origin https://NAME.example.com."""
    fields.setdefault("url", f"https://{name}.example.com")
    return Origin(pool=pool, name=name, address=f"{name}.example.com", **fields)


def pool(name: str, *origins: str | Origin, **fields: Any) -> Pool:
    """Return a pool; a name alone stands for an origin."""
    made = tuple(one if isinstance(one, Origin) else origin(one, name) for one in origins)
    return Pool(name=name, origins=made, **fields)


def balancer_of(*pools: Pool, name: str = "*", **fields: Any) -> LoadBalancer:
    """Return a load balancer over the pools in this order; the first is the fallback pool."""
    fields.setdefault("fallback_pool", pools[0])
    return LoadBalancer(name=name, default_pools=pools, **fields)


def config_of(*load_balancers: LoadBalancer) -> Config:
    """Return a configuration of these load balancers and their pools."""
    pools = {pool.name: pool for lb in load_balancers for pool in lb.pools}
    return Config(load_balancers=load_balancers, pools=tuple(pools.values()))


def monitor(**fields: Any) -> Monitor:
    """Return a monitor of type https."""
    return Monitor(name="m", type=MonitorType.HTTPS, **fields)


def facts(
    method: str = "GET",
    url: str = "https://service.example.com/",
    *,
    body: bool = False,
    cf: Mapping[str, object] | None = None,
    **headers: str,
) -> RequestFacts:
    """Return a request's facts; `_` in a header's name stands for `-`, and `cf` is `request.cf`."""
    known: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestFacts(method, url, known.get, lambda: body, (cf or {}).get, known.items)


def scripted(*values: float) -> Callable[[], float]:
    """Return a source of chance that repeats these numbers."""
    rounds = list(values)

    def chance() -> float:
        rounds.append(rounds.pop(0))
        return rounds[-1]

    return chance


def record(  # noqa: PLR0913, PLR0917 (what memory is told of an attempt)
    memory: Memory, lb: LoadBalancer, one: Origin, judgement: Judgement, started: float, now: float
) -> object:
    """Tell an isolate's memory of an attempt; its failure is proven by another origin."""
    if not judgement.failed:
        return memory.succeeded(lb, one, started, now)
    failure = Failure(judgement.evidence, judgement.cause)
    return memory.failed(lb, one, failure, started, now)
