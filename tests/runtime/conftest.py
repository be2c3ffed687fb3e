"""Fixtures of the tests on the real runtime."""

from __future__ import annotations

import pytest

from support.site import lasting_site, one, site, three, two, worker

__all__ = ["lasting_site", "one", "site", "three", "two", "worker"]

LONGEST = ("state", "sdk", "bench", "dev", "configuring", "variables", "admin_security")
"""Files that take half a minute or more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that processes that share the files end together."""
    names = [f"test_{name}.py" for name in LONGEST]
    items.sort(key=lambda item: names.index(item.path.name) if item.path.name in names else 99)
