"""Bodies of Terraform's provider come back as they were sent, so a second plan is empty.

The bodies are those that both major versions of the provider send for the documented examples
(https://registry.terraform.io/providers/cloudflare/cloudflare/latest/docs): the older one sends its
blocks with empty values, the newer one what was written and the defaults of its schema.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.api import ORIGIN, A, Api, Z

Body = dict[str, Any]

MONITORS: dict[str, Body] = {
    "v4 http": {
        "type": "http",
        "description": "example http load balancer",
        "method": "GET",
        "path": "/health",
        "header": {"Host": ["example.com"]},
        "timeout": 7,
        "retries": 5,
        "interval": 60,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "port": 8080,
        "expected_body": "alive",
        "expected_codes": "2xx",
        "follow_redirects": True,
        "allow_insecure": False,
        "probe_zone": "example.com",
    },
    "v4 tcp": {
        "type": "tcp",
        "description": "example tcp load balancer",
        "method": "connection_established",
        "path": "",
        "header": None,
        "timeout": 7,
        "retries": 5,
        "interval": 60,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "port": 8080,
        "expected_body": "",
        "expected_codes": "",
        "follow_redirects": False,
        "allow_insecure": False,
        "probe_zone": "",
    },
    "v5": {
        "type": "https",
        "description": "Login page monitor",
        "method": "GET",
        "path": "/health",
        "header": {"Host": ["example.com"], "X-App-ID": ["abc123"]},
        "port": 0,
        "timeout": 0,
        "retries": 0,
        "interval": 0,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "expected_body": "alive",
        "expected_codes": "2xx",
        "follow_redirects": True,
        "allow_insecure": True,
        "probe_zone": "example.com",
    },
    "v5 with little": {
        "type": "http",
        "expected_body": "",
        "expected_codes": "",
        "interval": 60,
        "retries": 2,
        "timeout": 5,
        "probe_zone": "",
        "follow_redirects": False,
        "allow_insecure": False,
    },
}
POOLS: dict[str, Body] = {
    "v4": {
        "name": "example-pool",
        "description": "example load balancer pool",
        "enabled": False,
        "minimum_origins": 1,
        "monitor": "",
        "origins": [
            {
                "name": "example-1",
                "address": "192.0.2.1",
                "enabled": False,
                "weight": 1,
                "header": {"Host": ["example-1"]},
            },
            {"name": "example-2", "address": "192.0.2.2", "enabled": True, "weight": 1},
        ],
        "notification_email": "someone@example.com",
        "latitude": 55,
        "longitude": -12,
        "load_shedding": {
            "default_percent": 55,
            "default_policy": "random",
            "session_percent": 12,
            "session_policy": "hash",
        },
        "origin_steering": {"policy": "random"},
        "check_regions": None,
    },
    "v5": {
        "name": "primary-dc-1",
        "origins": [
            {
                "address": "0.0.0.0",
                "enabled": True,
                "flatten_cname": True,
                "header": {"Host": ["example.com"]},
                "name": "app-server-1",
                "port": 0,
                "virtual_network_id": "a5624d4e-044a-4ff0-b3e1-e2465353d4b4",
                "weight": 0.6,
            }
        ],
        "description": "Primary data center - Provider XYZ",
        "enabled": False,
        "latitude": 0,
        "longitude": 0,
        "load_shedding": {
            "default_percent": 0,
            "default_policy": "random",
            "session_percent": 0,
            "session_policy": "hash",
        },
        "minimum_origins": 0,
        "notification_email": "someone@example.com,sometwo@example.com",
        "notification_filter": {
            "origin": {"disable": True, "healthy": True},
            "pool": {"disable": True, "healthy": False},
        },
        "origin_steering": {"policy": "random"},
    },
    "v5 with little": {
        "name": "little",
        "origins": [
            {**ORIGIN, "enabled": True, "weight": 1, "flatten_cname": True, "port": 0},
        ],
        "enabled": True,
        "minimum_origins": 1,
        "notification_email": "",
    },
}
BALANCERS: dict[str, Body] = {
    "v4": {
        "name": "example-load-balancer.example.com",
        "description": "example load balancer using geo-balancing",
        "enabled": True,
        "proxied": True,
        "steering_policy": "geo",
        "fallback_pool": "POOL",
        "default_pools": ["POOL"],
        "region_pools": {"WNAM": ["POOL"]},
        "pop_pools": {"LAX": ["POOL"]},
        "country_pools": {"US": ["POOL"]},
        "session_affinity": "none",
        "rules": [
            {
                "name": "example rule",
                "condition": 'http.request.uri.path contains "testing"',
                "fixed_response": {
                    "message_body": "hello",
                    "status_code": 200,
                    "content_type": "html",
                    "location": "",
                },
                "priority": 0,
                "disabled": False,
                "terminates": True,
                "overrides": {},
            }
        ],
    },
    "v5": {
        "default_pools": ["POOL", "OTHER"],
        "fallback_pool": "OTHER",
        "name": "www.example.com",
        "adaptive_routing": {"failover_across_pools": True},
        "country_pools": {"GB": ["POOL"], "US": ["OTHER", "POOL"]},
        "description": "Load Balancer for www.example.com",
        "enabled": True,
        "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
        "networks": ["string"],
        "pop_pools": {"LAX": ["POOL"], "SJC": ["OTHER"]},
        "proxied": True,
        "random_steering": {"default_weight": 0.2, "pool_weights": {"POOL": 0.5, "OTHER": 0.3}},
        "region_pools": {"ENAM": ["POOL"], "WNAM": ["OTHER", "POOL"]},
        "rules": [
            {
                "condition": 'http.request.uri.path contains "/testing"',
                "disabled": True,
                "fixed_response": {
                    "content_type": "application/json",
                    "location": "www.example.com",
                    "message_body": "Testing Hello",
                    "status_code": 0,
                },
                "name": "route the path /testing to testing datacenter.",
                "overrides": {
                    "adaptive_routing": {"failover_across_pools": True},
                    "country_pools": {"GB": ["POOL"]},
                    "default_pools": ["POOL"],
                    "fallback_pool": "OTHER",
                    "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
                    "random_steering": {"default_weight": 0.2, "pool_weights": {"POOL": 0.5}},
                    "session_affinity": "cookie",
                    "session_affinity_attributes": {
                        "drain_duration": 100,
                        "headers": ["x"],
                        "require_all_headers": True,
                        "samesite": "Auto",
                        "secure": "Auto",
                        "zero_downtime_failover": "sticky",
                    },
                    "session_affinity_ttl": 1800,
                    "steering_policy": "dynamic_latency",
                    "ttl": 30,
                },
                "priority": 0,
                "terminates": True,
            }
        ],
        "session_affinity": "cookie",
        "session_affinity_attributes": {
            "drain_duration": 100,
            "headers": ["x"],
            "require_all_headers": True,
            "samesite": "Auto",
            "secure": "Auto",
            "zero_downtime_failover": "sticky",
        },
        "session_affinity_ttl": 1800,
        "steering_policy": "dynamic_latency",
        "ttl": 30,
    },
    "v5 with little": {
        "name": "little.example.com",
        "default_pools": ["POOL"],
        "fallback_pool": "POOL",
        "enabled": True,
        "proxied": False,
        "session_affinity": "none",
        "steering_policy": "",
    },
}
GROUPS: dict[str, Body] = {
    "v5": {
        "description": "Primary datacenter monitors",
        "members": [
            {
                "enabled": True,
                "monitor_id": "MONITOR",
                "monitoring_only": False,
                "must_be_healthy": True,
            }
        ],
    }
}


def with_ids(body: Any, ids: dict[str, str]) -> Any:
    """Return a body with the ids of objects in place of their placeholders."""
    if isinstance(body, dict):
        return {ids.get(key, key): with_ids(value, ids) for key, value in body.items()}
    if isinstance(body, list):
        return [with_ids(value, ids) for value in body]
    return ids.get(body, body) if isinstance(body, str) else body


def of_shape(found: Any, sent: Any) -> Any:
    """Return the parts of `found` that were sent."""
    if isinstance(sent, dict) and isinstance(found, dict):
        return {key: of_shape(found[key], value) for key, value in sent.items()}
    if isinstance(sent, list) and isinstance(found, list) and len(sent) == len(found):
        return [of_shape(one, value) for one, value in zip(found, sent, strict=True)]
    return found


CASES = [
    *[(f"{A}/monitors", name, body) for name, body in MONITORS.items()],
    *[(f"{A}/monitor_groups", name, body) for name, body in GROUPS.items()],
    *[(f"{A}/pools", name, body) for name, body in POOLS.items()],
    *[(Z, name, body) for name, body in BALANCERS.items()],
]


@pytest.mark.parametrize(
    ("path", "body"),
    [(path, body) for path, _, body in CASES],
    ids=[f"{path.rpartition('/')[2]} {name}" for path, name, _ in CASES],
)
def test_an_example_is_applied_without_drift(path: str, body: Body) -> None:
    """The object is created, read, compared and sent again; nothing differs."""
    api = Api()
    ids = {"POOL": api.pool("one"), "OTHER": api.pool("two"), "MONITOR": api.monitor()}
    sent = with_ids(body, ids)
    made = api.result("POST", path, sent)
    version = api.office.store.version
    api.office.now += 3600

    read = api.result("GET", f"{path}/{made['id']}")
    assert read == made
    assert of_shape(read, sent) == sent
    assert {"id", "created_on", "modified_on"} <= set(read)
    for key, value in read.items():
        # Other keys are computed once; an empty map would be a difference.
        assert key in sent or value not in ({}, []), key

    assert api.result("PUT", f"{path}/{made['id']}", sent) == made
    assert api.result("PUT", f"{path}/{made['id']}", read) == made
    assert api.office.store.version == version
    assert api.result("DELETE", f"{path}/{made['id']}")["id"] == made["id"]
    assert api.errors(404, "GET", f"{path}/{made['id']}")
