"""Fixtures of the tests on the real runtime."""

from __future__ import annotations

from support.site import lasting_site, one, site, three, two, worker

__all__ = ["lasting_site", "one", "site", "three", "two", "worker"]
