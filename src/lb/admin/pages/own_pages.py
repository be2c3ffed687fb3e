"""Pages that an isolate answers without the Durable Object: the status page and the public page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lb.admin.calls import Answer, enveloped
from lb.admin.pages.csp import shell
from lb.admin.pages.public import public_page
from lb.admin.refusals import nothing_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.snapshot import Snapshot
    from lb.model import Admin, Config
    from lb.ports import Clock

    View = Callable[[float], tuple[Config, Snapshot]]
    """Returns what this isolate serves and knows at a moment."""

STATUS_PAGE = Path(__file__).with_name("status.html")

DRAWN_FOR = 5.0
"""Seconds for which everybody gets the same public page."""


class OwnPages:
    """Pages for anybody."""

    def __init__(self, admin: Admin, view: View, clock: Clock) -> None:
        self._has_public_page = admin.public_page
        self._view = view
        self._clock = clock
        self._status: Answer | None = None
        self._public = enveloped(nothing_at("/public"))
        self._drawn = float("-inf")
        self._pages = {"/": self._status_page, "/public": self._public_page}

    def answer(self, path: str) -> Answer:
        """Return the page at a path of `audience.OPEN`."""
        return self._pages[path]()

    def _status_page(self) -> Answer:
        """Return the status page. It holds no data, and is read from its file on first use."""
        if self._status is None:
            self._status = shell(STATUS_PAGE.read_text("utf-8"))
        return self._status

    def _public_page(self) -> Answer:
        """Return the page that shows what is up; 404 unless the configuration has one."""
        now = self._clock()
        if self._has_public_page and not 0 <= now - self._drawn < DRAWN_FOR:
            self._public = shell(public_page(*self._view(now)))
            self._drawn = now
        return self._public
