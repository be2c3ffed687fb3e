"""Bodies for Cloudflare's API that are mostly wrong, drawn from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ACCOUNT = "/accounts/a/load_balancers"
PATHS = (
    ("POST", f"{ACCOUNT}/monitors"),
    ("POST", f"{ACCOUNT}/monitor_groups"),
    ("POST", f"{ACCOUNT}/pools"),
    ("PATCH", f"{ACCOUNT}/pools"),
    ("POST", "/zones/0da42c8d2132a9ddaf714f9e7c920711/load_balancers"),
    ("POST", f"{ACCOUNT}/pools/0/preview"),
    ("PUT", f"{ACCOUNT}/monitors/0"),
)
KEYS = (
    *("name", "origins", "address", "weight", "enabled", "header", "monitor", "interval", "port"),
    *("timeout", "type", "members", "monitor_id", "description", "default_pools", "rules"),
    *("fallback_pool", "country_pools", "region_pools", "session_affinity", "condition", "ttl"),
    *("session_affinity_attributes", "headers", "overrides", "fixed_response", "status_code"),
    *("random_steering", "pool_weights", "check_regions", "latitude", "longitude", "pool_sets"),
    *("virtual_network_id", "disabled_at", "created_on", "expected_codes", "path", "", "é", "$.a"),
)
SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 30, 1.5, 1e308, 2**62, "", "x", "a.example.com", "192.0.2.1"),
    *("http", "icmp_ping", "cookie", "2xx", "GB", "WEU", "\u0000", "\U0001f600", "a" * 2000),
    *("http://[::1", "-", "*", "/", "true and", '"', "2026-12-01T22:00:00Z", "host", "é.com"),
)
BROKEN = ("", "{", "[]", "null", "7", '"x"', "[" * 500, '{"a":' * 50, "{} {}", "\u0000", "{'a':1}")


def bad_bodies(chance: random.Random, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield a method, a path and a body, so many times."""
    for _ in range(count):
        method, path = chance.choice(PATHS)
        broken = chance.random() < 0.1
        yield method, path, chance.choice(BROKEN) if broken else json.dumps(_table(chance, 4))


def _table(chance: random.Random, deep: int) -> dict[str, Any]:
    keys = chance.sample(KEYS, chance.randrange(8))
    return {key: _value(chance, deep - 1) for key in keys}


def _value(chance: random.Random, deep: int) -> Any:
    kind = chance.random()
    if deep <= 0 or kind < 0.5:
        return chance.choice(SCALARS)
    if kind < 0.75:
        return _table(chance, deep)
    return [_value(chance, deep - 1) for _ in range(chance.randrange(4))]
