"""Fixtures of the tests on workerd."""

from __future__ import annotations

import pytest

from support.site import lasting_site, one, site, three, two, worker

__all__ = ["lasting_site", "one", "site", "three", "two", "worker"]

LONGEST = ("state", "sdk", "bench", "dev", "configuring", "variables", "admin_security")
"""Files that take half a minute or more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the longest files first, so that parallel test processes end at about the same time."""
    names = [f"test_{name}.py" for name in LONGEST]
    items.sort(key=lambda item: names.index(item.path.name) if item.path.name in names else 99)
