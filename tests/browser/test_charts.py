"""The small charts of the status page, drawn from the status of a balancer after a day."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from support.demo_status import demo_status
from support.origins import Origin
from support.screen import VARIABLES, Screen, screen
from support.toml import load_balancer, pool
from support.workerd import Workerd

__all__ = ["VARIABLES"]

PICTURE = os.environ.get("EVENKEEL_PICTURE")
"""Path of the picture for the documentation; none is taken by default."""


def configuration(one: Origin) -> str:
    """Describe any origin: the Worker here serves only the page."""
    return "\n".join([pool("p", one), load_balancer("*", "p")])


def answer(route: Route) -> None:
    """Return the demo balancer's status."""
    route.fulfill(
        json={"success": True, "errors": [], "messages": [], "result": demo_status(time.time())}
    )


def shown_in(shown: Screen) -> None:
    """Show the demo on the page."""
    shown.page.route("**/_lb/status*", answer)
    shown.page.route(
        "**/_lb/session",
        lambda route: route.fulfill(
            json={
                "success": True,
                "result": {"role": "admin", "author": "admin token", "csrf": "x"},
            }
        ),
    )
    shown.open()
    expect(shown.state("paris")).to_have_text("Unhealthy")


def test_charts_say_what_they_show(browser: Browser, worker: Workerd) -> None:
    """Each chart is a picture with a text alternative."""
    with screen(browser, worker) as shown:
        shown_in(shown)
        charts = shown.row("paris").get_by_role("img")

        expect(charts).to_have_count(3)
        labels = [charts.nth(at).get_attribute("aria-label") or "" for at in range(3)]
        assert "requests in the last hour" in labels[0]
        assert " 0 failed" not in labels[0]
        assert labels[1].startswith("Latency in the last hour: ")
        assert labels[2] == "Health in the last 24 hours: unhealthy for 15 min of 24 h"
        expect(shown.row("frankfurt").locator(".strip rect")).to_have_count(3)
        assert shown.inaccessible() == []


def test_the_share_of_traffic_is_a_number_and_a_bar(browser: Browser, worker: Workerd) -> None:
    """An origin's share of traffic is a number and a bar; a small share has a decimal."""
    with screen(browser, worker) as shown:
        shown_in(shown)

        expect(shown.row("ashburn")).to_contain_text("54 %")
        expect(shown.row("canary")).to_contain_text("5.0 %")
        bar = shown.row("ashburn").locator(".share i")
        assert bar.evaluate("node => node.style.width") == "54%"


def test_draining_says_for_how_long(browser: Browser, worker: Workerd) -> None:
    """The row and the confirmation dialog say how long draining takes."""
    with screen(browser, worker) as shown:
        shown_in(shown)

        expect(shown.row("dallas")).to_contain_text("disabled, and keeps its sessions, for 25 min")
        shown.button("Drain ashburn").click()
        expect(shown.dialog).to_contain_text("Its sessions stay for 1 h")


@pytest.mark.parametrize("width", [360, 1240])
def test_the_page_is_no_wider_than_the_window(
    browser: Browser, worker: Workerd, width: int
) -> None:
    """The page with charts is no wider than the window; the documentation's picture shows it."""
    size = {"width": width, "height": 900}
    with screen(browser, worker, viewport=size, color_scheme="light") as shown:
        shown_in(shown)
        assert shown.overflow <= 0
        if PICTURE and width > 1000:
            shown.page.locator("#place").evaluate(
                "node => node.textContent = 'service.example.com'"
            )
            shown.page.screenshot(path=Path(PICTURE))
