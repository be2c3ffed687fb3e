"""Error codes of the admin API, each of them once.

Cloudflare's own where its API has one; every code is 1000 or more
(https://developers.cloudflare.com/api/: ErrorData).
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """What is wrong with a call, or what to know about it."""

    GENERAL = 1000
    """Nothing more specific: a body that did not arrive whole, a fault of the load balancer."""
    NOT_FOUND = 1001
    """No such object in this account or zone."""
    INVALID = 1002
    """A field fails validation."""
    NOT_UNIQUE = 1003
    """Another object has this name."""
    REFERENCED = 1005
    """Other objects refer to the one to delete."""
    CHANGED = 1006
    """If-Match names an older state: somebody else has changed it."""
    UNREADABLE = 1007
    """The body is not a JSON object."""
    FROM_FILE = 1008
    """The object comes from loadbalancer.toml, and changes with a deployment only."""
    NO_EFFECT = 1100
    """A field or table was accepted and changes nothing (code of a message)."""
    NOTHING_SERVES = 1200
    """No stored configuration is valid."""
    NO_ROUTE = 7003
    """No such path."""
    AUTHENTICATION = 10000
    """Not signed in, or signed in to read only."""
    FORBIDDEN = 10001
    """Signed in, but the request is not allowed: another site's page, or not in the lists."""
    METHOD = 10405
    """The path does not take this method."""
