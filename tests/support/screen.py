"""The status page in a real Chromium, as an operator uses it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from evenkeel.dev import checkout
from support.client import Answer
from support.workerd import Workerd

TOKEN = "an-admin-token-for-tests-0123456789_abcdef"
READ = "a-read-token-for-tests-0123456789_abcdefgh"
VARIABLES = {"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": READ}

SECONDS = 30.0
"""Timeout of each step; the machine may be busy, and the page polls every five seconds."""

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # Chromium has no sandbox as root, and all pages are our own.
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
AXE = checkout.ROOT / "node_modules" / "axe-core" / "axe.min.js"

# Chromium logs each response with a status of 400 or more, which the page may expect.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def chromium() -> str | None:
    """The path of Chromium: from CHROMIUM, or an installed one."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


@contextmanager
def browsing(executable: str) -> Iterator[Browser]:
    """Run a Chromium during the block."""
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Screen:
    """A tab with the status page, and an operator's actions in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    """Errors of the page, and violations of its content security policy."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SECONDS * 1000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.match(message.text):
            self.problems.append(message.text)

    def open(self) -> None:
        """Go to the status page."""
        self.page.goto(self.url)

    def log_in(self, token: str = TOKEN) -> None:
        """Go to the status page and log in."""
        self.open()
        self.page.get_by_label("Token").fill(token)
        self.button("Log in").click()
        expect(self.page.get_by_role("heading", name="Load balancers")).to_be_visible()

    def button(self, name: str) -> Locator:
        """The button with exactly this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, origin: str) -> Locator:
        """An origin's row."""
        name = self.page.get_by_text(origin, exact=True)
        return self.page.get_by_role("row").filter(has=name)

    def state(self, origin: str) -> Locator:
        """The word for an origin's state."""
        return self.row(origin).locator(".badge")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def act(self, action: str, origin: str) -> None:
        """Click an action, and confirm it."""
        self.button(f"{action} {origin}").click()
        self.dialog.get_by_role("button", name=action).click()
        expect(self.dialog).to_be_hidden()

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width

    def inaccessible(self) -> list[str]:
        """The accessibility problems that axe-core finds."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


@contextmanager
def screen(browser: Browser, worker: Workerd, **options: Any) -> Iterator[Screen]:
    """Open a tab with an empty profile; its page may have no errors."""
    context: BrowserContext = browser.new_context(locale="en-GB", **options)
    try:
        shown = Screen(context.new_page(), f"http://127.0.0.1:{worker.port}/_lb/")
        yield shown
        assert shown.problems == []
    finally:
        context.close()


def api(worker: Workerd, method: str, path: str, body: bytes = b"") -> Answer:
    """Call the admin side with the token, without the page."""
    fields = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
    answer = worker.send(method, f"/_lb{path}", *fields, body=body)
    assert answer.status == 200, answer.text
    return answer


def served(worker: Workerd, count: int = 30) -> set[str]:
    """The origins that answer `count` requests."""
    return {worker.get("/").text for _ in range(count)}
