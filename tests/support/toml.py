"""Builders of a configuration's text, with defaults for what a test leaves out."""

from __future__ import annotations

import json
from typing import Any

from support.origins import Origin


def value(of: Any) -> str:
    """A value as TOML: numbers, strings, lists, and inline tables."""
    if isinstance(of, dict):
        pairs = (f"{json.dumps(key)} = {value(each)}" for key, each in of.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(of, list | tuple):
        return f"[{', '.join(value(each) for each in of)}]"
    return json.dumps(of)


def table(kind: str, fields: dict[str, Any]) -> str:
    """An entry of an array of tables."""
    lines = (f"{key} = {value(each)}" for key, each in fields.items())
    return "\n".join([f"[[{kind}]]", *lines, ""])


def at(origin: Origin, **fields: Any) -> dict[str, Any]:
    """An origin's entry in a pool."""
    return {"name": origin.name, "address": origin.url, **fields}


def pool(name: str, *origins: Origin | dict[str, Any], **fields: Any) -> str:
    """A pool of these origins."""
    entries = [at(one) if isinstance(one, Origin) else one for one in origins]
    return table("pools", {"name": name, "origins": entries, **fields})


def load_balancer(name: str, *pools: str, **fields: Any) -> str:
    """A load balancer over these pools; the fallback pool is the first one by default."""
    known = {"name": name, "default_pools": list(pools), "fallback_pool": pools[0]}
    return table("load_balancers", {**known, **fields})


def monitor(name: str, **fields: Any) -> str:
    """A monitor with a short interval and thresholds of one probe."""
    quick = {"type": "http", "path": "/health", "interval": 1, "timeout": 0.5, "retries": 0}
    return table("monitors", {"name": name, **quick, **fields})
