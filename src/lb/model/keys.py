"""The key of an origin."""

OriginKey = tuple[str, str]
"""The names of an origin's pool and of the origin (`Origin.key`)."""
