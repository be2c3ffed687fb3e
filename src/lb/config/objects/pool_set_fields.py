"""Pools beyond the default ones: weights, places, pool sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.reading.problems import Place, Reader, shown
from lb.config.reading.tables import Record
from lb.config.reading.values import Ref
from lb.model import FixedResponse, PoolSet, RandomSteering, SteeringPolicy, Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.model import Pool

    PoolOf = Callable[[Ref], Pool | None]

MAPS = ("country_pools", "region_pools", "pop_pools")


def steering_of(record: Record, pool_of: PoolOf, reader: Reader) -> dict[str, object]:
    """The steering fields of a load balancer that name pools."""
    found: dict[str, object] = {
        key: tuple(
            (place, pools_of(refs, pool_of, reader))
            for pair in record.items(key)
            if isinstance(pair, tuple)
            for place, refs in (pair,)
        )
        for key in MAPS
    }
    weights = record.values.get("random_steering")
    if isinstance(weights, RandomSteering):
        at = record.at / "random_steering" / "pool_weights"
        for name, _ in weights.pool_weights:
            pool_of(Ref(name, at / name))
    found["pool_sets"] = tuple(
        made for each in record.records("pool_sets") if (made := _pool_set(each, pool_of, reader))
    )
    return found


def pools_of(refs: Iterable[object], pool_of: PoolOf, reader: Reader) -> tuple[Pool, ...]:
    """The pools of a list of names; none may be named twice."""
    named = [ref for ref in refs if isinstance(ref, Ref)]
    _refuse_repeated(named, reader)
    return tuple(pool for ref in named if (pool := pool_of(ref)))


def _refuse_repeated(refs: Iterable[Ref], reader: Reader) -> None:
    first: dict[str, Place] = {}
    for ref in refs:
        if (place := first.setdefault(ref.name, ref.at)) is not ref.at:
            reader.refuse(ref.at, f"{shown(ref.name)} is listed at {place} already")


def _pool_set(record: Record, pool_of: PoolOf, reader: Reader) -> PoolSet | None:
    """One pool set; comments give Cloudflare's error names."""
    given = record.values.get("overrides")
    overrides = given if isinstance(given, Record) else Record(record.at / "overrides")
    fixed = record.values.get("fixed_response")
    pools = pools_of(overrides.items("pools"), pool_of, reader)
    if not overrides.items("pools") and fixed is None and reader.fine(record.at, "overrides"):
        # POOL_SET_NO_INTENT
        reader.refuse(record.at, "needs overrides.pools or a fixed_response")
    policy = overrides.values.get("steering_policy", SteeringPolicy.OFF)
    if policy is SteeringPolicy.GEO:
        reader.refuse(overrides.at / "steering_policy", '"geo" is not possible: the set is a place')
    fallback = overrides.values.get("fallback_pool")
    weights = {
        "default_weight": overrides.values.get("pool_default_weight", 1.0),
        "pool_weights": weights_of(overrides.items("pool_weights")),
    }
    for ref, _ in _pairs(overrides.items("pool_weights")):
        pool_of(ref)
    return Record(record.at).build(
        PoolSet,
        name=record.text("name"),
        disabled=record.values.get("disabled", False),
        match=_match(record, reader),
        pools=pools,
        random_steering=Record(overrides.at, weights).build(RandomSteering),
        fallback_pool=pool_of(fallback) if isinstance(fallback, Ref) else None,
        # Only "" remains of the policies that a set cannot have: it has no map of places.
        steering_policy=SteeringPolicy.OFF if policy is SteeringPolicy.DEFAULT else policy,
        fixed_response=fixed if isinstance(fixed, FixedResponse) else None,
    )


def _match(record: Record, reader: Reader) -> Topology | None:
    match = record.values.get("match")
    if not isinstance(match, Record):
        return None
    default, topology = match.values.get("default", False), match.values.get("topology")
    if default and topology is not None:
        # POOL_SET_DEFAULT_WITH_MATCH
        reader.refuse(match.at, "cannot have both default and topology")
    if not default and topology is None and reader.fine(match.at, "default", "topology"):
        # POOL_SET_EMPTY_MATCH
        reader.refuse(match.at, "needs default = true or a topology")
    if not isinstance(topology, Topology):
        return None
    at = match.at / "topology"
    if topology == Topology() and reader.fine(at, "pops", "countries", "regions"):
        # POOL_SET_EMPTY_TOPOLOGY
        reader.refuse(at, "names no place: give pops, countries or regions")
    for key in ("pops", "countries", "regions"):
        _refuse_twice(getattr(topology, key), at / key, reader)
    return topology


def _refuse_twice(codes: tuple[object, ...], at: Place, reader: Reader) -> None:
    """Cloudflare refuses duplicates in a list."""
    seen: dict[object, int] = {}
    for index, code in enumerate(codes):
        if (first := seen.setdefault(code, index)) != index:
            reader.refuse(at / index, f"is listed at {at / first} already")


def _pairs(items: tuple[object, ...]) -> list[tuple[Ref, object]]:
    return [
        (name, weight)
        for pair in items
        if isinstance(pair, tuple)
        for name, weight in (pair,)
        if isinstance(name, Ref)
    ]


def weights_of(items: tuple[object, ...]) -> tuple[tuple[str, object], ...]:
    """Weights by pool name."""
    return tuple((ref.name, weight) for ref, weight in _pairs(items))


def make_random_steering(record: Record, reader: Reader) -> RandomSteering:
    """The weights that a record describes."""
    weights = weights_of(record.items("pool_weights"))
    made = record.build(RandomSteering, pool_weights=weights)
    if not made.default_weight and not any(weight for _, weight in weights):
        reader.refuse(record.at, "no pool has a weight above 0")
    return made
