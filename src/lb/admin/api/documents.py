"""Shape of the API's objects: sent values, computed values and Cloudflare's defaults.

Sent values come back unchanged; others have the default that Cloudflare documents. A key without a
default is left out: Terraform's provider would take an empty table for a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lb.base.times import rfc3339
from lb.catalog.managed import Kind

Document = Mapping[str, Any]

READ_ONLY = frozenset({"id", "created_on", "modified_on", "disabled_at", "zone_name", "healthy"})
"""Computed keys; values that a caller sends, often with the object as it was read, are ignored."""

_SOCKET = frozenset({"tcp", "smtp"})
_ECHO = frozenset({"icmp_ping", "udp_icmp"})
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})

MONITOR_DEFAULTS: Mapping[str, Any] = {
    "type": "http",
    "description": "",
    "interval": 60,
    "timeout": 5,
    "retries": 2,
    "consecutive_up": 0,
    "consecutive_down": 0,
    "follow_redirects": False,
    "allow_insecure": False,
    "expected_body": "",
    "probe_zone": "",
}
_OVER_HTTP: Mapping[str, Any] = {"method": "GET", "path": "/", "expected_codes": "200"}
_ON_A_SOCKET: Mapping[str, Any] = {
    "method": "connection_established",
    "path": "",
    "expected_codes": "",
}
_NO_METHOD: Mapping[str, Any] = {"method": "", "path": "", "expected_codes": ""}
POOL_DEFAULTS: Mapping[str, Any] = {
    "description": "",
    "enabled": True,
    "minimum_origins": 1,
    "monitor": None,
    "check_regions": None,
    "notification_email": "",
    "networks": ["cloudflare"],
}
ORIGIN_DEFAULTS: Mapping[str, Any] = {"enabled": True, "weight": 1, "flatten_cname": True}
LOAD_BALANCER_DEFAULTS: Mapping[str, Any] = {
    "description": "",
    "enabled": True,
    "proxied": False,
    "steering_policy": "",
    "session_affinity": "none",
}


def monitor(document: Document) -> dict[str, Any]:
    """Return a monitor as callers see it; the last three defaults depend on its type."""
    kind = document.get("type")
    of_type = _OVER_HTTP
    if kind in _SOCKET:
        of_type = _ON_A_SOCKET
    elif kind in _ECHO:
        of_type = _NO_METHOD
    shown = {**MONITOR_DEFAULTS, **of_type, **document}
    codes = shown["expected_codes"]
    if not isinstance(codes, str) and codes is not None:
        # A file may have numbers and lists; Cloudflare's clients expect text.
        listed = codes if isinstance(codes, list) else [codes]
        shown["expected_codes"] = ",".join(map(str, listed))
    return shown


def pool(document: Document) -> dict[str, Any]:
    """Return a pool as callers see it, with its origins."""
    shown = {**POOL_DEFAULTS, **document}
    shown["origins"] = [
        {**ORIGIN_DEFAULTS, **origin} if isinstance(origin, dict) else origin
        for origin in _list(document.get("origins"))
    ]
    return shown


def load_balancer(document: Document) -> dict[str, Any]:
    """Return a load balancer as callers see it."""
    return {
        **LOAD_BALANCER_DEFAULTS,
        **document,
        "zone_name": zone_of(str(document.get("name", ""))),
    }


def zone_of(name: str) -> str:
    """Return the zone that a host name probably belongs to: a Worker does not know its zone."""
    labels = name.removeprefix("*.").split(".")
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return "" if name == "*" else ".".join(labels[-3 if country else -2 :])


def writable(body: Document) -> dict[str, Any]:
    """Return a body without its computed keys."""
    return {key: value for key, value in body.items() if key not in READ_ONLY}


def dated(kind: Kind, document: Document, before: Document | None, now: float) -> dict[str, Any]:
    """Return a document with its computed times, and those of its origins or members.

    An origin is the same as before if its name is, a member if its monitor is.
    """
    at = rfc3339(now)
    was = before or {}
    found = {**document, "created_on": was.get("created_on") or at, "modified_on": at}
    if kind is Kind.POOL:
        _switch(found, was, at)
    for key, named_by in (("origins", "name"), ("members", "monitor_id")):
        listed = document.get(key)
        if isinstance(listed, list):
            old = {
                str(one.get(named_by)): one for one in _list(was.get(key)) if isinstance(one, dict)
            }
            found[key] = [
                _PARTS[key](one, old.get(str(one.get(named_by))) or {}, at)
                if isinstance(one, dict)
                else one
                for one in listed
            ]
    return found


def _origin(origin: Document, was: Document, at: str) -> dict[str, Any]:
    found = {key: value for key, value in origin.items() if key != "disabled_at"}
    _switch(found, was, at)
    return found


def _member(member: Document, was: Document, at: str) -> dict[str, Any]:
    times = {"created_at", "updated_at"}
    sent = {key: value for key, value in member.items() if key not in times}
    same = sent == {key: value for key, value in was.items() if key not in times}
    created = was.get("created_at") or at
    return {**sent, "created_at": created, "updated_at": was.get("updated_at", at) if same else at}


_PARTS = {"origins": _origin, "members": _member}


def _switch(found: dict[str, Any], was: Document, at: str) -> None:
    """Set when something was disabled; remove it when it is enabled again."""
    if found.get("enabled") is False:
        found["disabled_at"] = was.get("disabled_at") or at
    else:
        found.pop("disabled_at", None)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
