"""The key of an origin."""

OriginKey = tuple[str, str]
"""Name of the pool and name of the origin (`Origin.key`)."""
