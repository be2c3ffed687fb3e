"""The pages that an isolate answers with by itself: the status page, and the public one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lb.admin.calls import Answer, enveloped, refused
from lb.admin.pages.csp import shell
from lb.admin.pages.public import public_page
from lb.worker.runtime import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.snapshot import Snapshot
    from lb.model import Admin, Config

_FILE = Path(__file__).parents[2] / "admin" / "pages" / "status.html"
_NOT_THERE = enveloped(refused(404, 7003, "there is nothing at /public"))

DRAWN_FOR = 5.0
"""Seconds for which everybody gets the same public page."""


class PageFiles:
    """Pages for anybody. None of them costs a call of the Durable Object."""

    def __init__(self, admin: Admin, view: Callable[[float], tuple[Config, Snapshot]]) -> None:
        """`view` is what this isolate knows at a moment."""
        self._has_public_page = admin.public_page
        self._view = view
        self._panel: Answer | None = None
        self._public = _NOT_THERE
        self._drawn = float("-inf")

    def panel(self) -> Answer:
        """Return the status page. It has no data in it, and is read when it is first wanted."""
        if self._panel is None:
            self._panel = shell(_FILE.read_text("utf-8"))
        return self._panel

    def public(self) -> Answer:
        """Return the page that says what is up, where the configuration wants it."""
        now = clock()
        if self._has_public_page and not 0 <= now - self._drawn < DRAWN_FOR:
            self._public = shell(public_page(*self._view(now)))
            self._drawn = now
        return self._public
