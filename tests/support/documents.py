"""A configuration document that uses most kinds of objects and fields."""

from __future__ import annotations

Document = dict[str, object]

GOOD: Document = {
    "monitors": [{"name": "web", "type": "https", "path": "/health", "interval": 30}],
    "pools": [
        {
            "name": "primary",
            "monitor": "web",
            "origins": [{"name": "Server 1", "address": "service-primary.example.com"}],
        },
        {
            "name": "replica",
            "monitor": "web",
            "origins": [{"name": "Server 2", "address": "https://service-replica.example.com"}],
        },
    ],
    "load_balancers": [
        {
            "name": "Service.Example.com",
            "default_pools": ["primary", "replica"],
            "fallback_pool": "primary",
        }
    ],
}
