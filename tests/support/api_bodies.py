"""Valid and mostly invalid bodies of Cloudflare's API, drawn from a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ACCOUNT = "/accounts/a/load_balancers"
ZONE = "/zones/0da42c8d2132a9ddaf714f9e7c920711/load_balancers"
MONITOR: Mapping[str, Any] = {
    "type": "https",
    "description": "Login page monitor",
    "method": "GET",
    "path": "/health",
    "header": {"Host": ["example.com"], "X-App-ID": ["abc123"]},
    "port": 8080,
    "timeout": 3,
    "retries": 0,
    "interval": 90,
    "expected_body": "alive",
    "expected_codes": "2xx",
    "follow_redirects": True,
    "allow_insecure": True,
    "consecutive_up": 3,
    "consecutive_down": 3,
    "probe_zone": "example.com",
}
POOL: Mapping[str, Any] = {
    "name": "primary-dc-1",
    "description": "Primary data center - Provider XYZ",
    "enabled": True,
    "minimum_origins": 1,
    "origins": [
        {
            "name": "app-server-1",
            "address": "app-server-1.example.com",
            "enabled": True,
            "weight": 0.6,
            "port": 0,
            "header": {"Host": ["app-server-1.example.com"]},
            "virtual_network_id": "",
            "flatten_cname": True,
        },
        {"name": "app-server-2", "address": "192.0.2.7", "enabled": False},
    ],
    "check_regions": ["WEU", "ENAM"],
    "latitude": 55,
    "longitude": -12,
    "load_shedding": {"default_percent": 55, "default_policy": "random", "session_percent": 12},
    "notification_email": "someone@example.com",
    "notification_filter": {"origin": {"disable": False, "healthy": None}, "pool": None},
    "origin_steering": {"policy": "random"},
}
BALANCER: Mapping[str, Any] = {
    "name": "www.example.com",
    "default_pools": ["primary"],
    "fallback_pool": "primary",
    "description": "Load Balancer for www.example.com",
    "ttl": 30,
    "proxied": True,
    "steering_policy": "dynamic_latency",
    "country_pools": {"GB": ["primary"], "US": ["primary"]},
    "region_pools": {"WNAM": ["primary"]},
    "pop_pools": {"LAX": ["primary"]},
    "random_steering": {"default_weight": 0.2, "pool_weights": {"primary": 0.5}},
    "adaptive_routing": {"failover_across_pools": True},
    "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
    "session_affinity": "cookie",
    "session_affinity_ttl": 1800,
    "session_affinity_attributes": {
        "samesite": "Auto",
        "secure": "Auto",
        "drain_duration": 100,
        "headers": ["x"],
        "require_all_headers": True,
        "zero_downtime_failover": "sticky",
    },
    "rules": [
        {
            "name": "route the path /testing to testing datacenter.",
            "condition": 'http.request.uri.path contains "/testing"',
            "disabled": False,
            "priority": 0,
            "terminates": True,
            "fixed_response": {"status_code": 0, "location": "/there", "message_body": "Testing"},
            "overrides": {"default_pools": ["primary"], "steering_policy": "geo", "ttl": 30},
        }
    ],
    "pool_sets": [
        {
            "name": "north",
            "match": {"topology": {"regions": ["WNAM"], "countries": ["US"], "pops": ["LAX"]}},
            "overrides": {"pools": ["primary"], "steering_policy": "random"},
        }
    ],
}
GROUP: Mapping[str, Any] = {
    "description": "Primary datacenter monitors",
    "members": [
        {
            "monitor_id": "f1aba936b94213e5b8dca0c0dbf1f9cc",
            "enabled": True,
            "monitoring_only": False,
            "must_be_healthy": True,
        }
    ],
}
PLACES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("POST", f"{ACCOUNT}/monitors", MONITOR),
    ("POST", f"{ACCOUNT}/monitor_groups", GROUP),
    ("POST", f"{ACCOUNT}/pools", POOL),
    ("POST", f"{ACCOUNT}/pools", POOL),
    ("PATCH", f"{ACCOUNT}/pools", {"notification_email": ""}),
    ("POST", ZONE, BALANCER),
    ("POST", ZONE, BALANCER),
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
    *("127.0.0.1:9", "header", "smtp", "geo", "primary", "P" * 33, 25, 604_801, "~/~0", "[0]"),
)
BROKEN = ("", "{", "[]", "null", "7", '"x"', "[" * 500, '{"a":' * 50, "{} {}", "\u0000", "{'a':1}")


def bad_bodies(chance: random.Random, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield `count` requests, each a method, a path and a body."""
    for _ in range(count):
        method, path, good = chance.choice(PLACES)
        kind = chance.random()
        if kind < 0.1:
            yield method, path, chance.choice(BROKEN)
        elif kind < 0.4:
            yield method, path, json.dumps(_table(chance, 4))
        else:
            yield method, path, json.dumps(_changed(chance, good))


def _changed(chance: random.Random, good: Mapping[str, Any]) -> Any:
    """Return a valid body with a few values replaced, removed or added."""
    body = copy.deepcopy(dict(good))
    for _ in range(chance.randrange(1, 4)):
        here: Any = body
        while True:
            steps = list(here) if isinstance(here, dict) else list(range(len(here)))
            step = chance.choice(steps) if steps else None
            inner = here[step] if step is not None else None
            if not isinstance(inner, dict | list) or chance.random() < 0.3:
                break
            here = inner
        if isinstance(here, dict) and (step is None or chance.random() < 0.2):
            here[chance.choice(KEYS)] = _value(chance, 3)
        elif step is not None and chance.random() < 0.2:
            del here[step]
        elif step is not None:
            here[step] = _value(chance, 3)
    return body


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
