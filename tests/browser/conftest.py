"""Fixtures of the browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.screen import Screen, browsing, chromium, screen
from support.site import lasting_site, one, site, three, two, worker
from support.workerd import Workerd

__all__ = ["lasting_site", "one", "site", "three", "two", "worker"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; without an installed one (CI has it) these tests are skipped."""
    executable = chromium()
    if executable is None:
        pytest.skip("there is no Chromium here: install it, or let CHROMIUM say where it is")
    with browsing(executable) as running:
        yield running


@pytest.fixture
def tab(browser: Browser, worker: Workerd) -> Iterator[Screen]:
    """A new tab."""
    with screen(browser, worker) as shown:
        yield shown
