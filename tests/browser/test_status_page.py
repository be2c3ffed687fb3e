"""What an operator sees and does on the status page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from support.answers import reply
from support.origins import Origin
from support.screen import READ, TOKEN, VARIABLES, Screen, api, screen, served
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd

STATE = True
PAGE = "**/_lb/status*"
MISCHIEF = '<img src=x onerror="hurt=1"><script>hurt=1</script>'

__all__ = ["STATE", "VARIABLES"]


def configuration(one: Origin, two: Origin) -> str:
    """Two origins that share the traffic, and a pool whose name contains HTML."""
    hostile = {"name": MISCHIEF, "address": "http://127.0.0.1:9", "weight": 0}
    return "\n".join(
        [
            "[state]\nrefresh = 1\n",
            monitor("m"),
            pool("main", at(one), at(two), monitor="m"),
            pool("odd", hostile, description=MISCHIEF),
            load_balancer("*", "main", "odd", session_affinity="cookie"),
        ]
    )


@pytest.fixture(autouse=True)
def _as_at_first(worker: Workerd) -> Iterator[None]:
    """Adopt, enable and heal everything before a test."""
    api(worker, "POST", "/adopt")
    for name in ("one", "two"):
        for action in ({"action": "enable"}, {"action": "weight", "weight": 1}):
            body = {"pool": "main", "origin": name, **action}
            api(worker, "POST", "/actions", json.dumps(body).encode())

    def fine() -> bool:
        origins = status(worker)["pools"][0]["origins"]
        return all(one["health"] == "healthy" for one in origins)

    until(fine, 30)
    yield
    assert worker.events("error") == []


def status(worker: Workerd) -> Any:
    """Return the status that the page gets."""
    return json.loads(api(worker, "GET", "/status").text)["result"]


def test_log_in_look_and_log_out(tab: Screen) -> None:
    """A wrong token is refused; a session survives a reload and ends at log-out."""
    tab.open()
    tab.page.get_by_label("Token").fill("x" * 40)
    tab.button("Log in").click()
    expect(tab.page.get_by_role("alert").filter(has_text="Wrong token.")).to_be_visible()

    tab.page.get_by_label("Token").fill(TOKEN)
    tab.page.keyboard.press("Enter")
    expect(tab.state("one")).to_have_text("Available")
    expect(tab.page.locator("#who")).to_have_text("admin token")
    tab.page.reload()
    expect(tab.state("two")).to_have_text("Available")

    tab.button("Log out").click()
    expect(tab.page.get_by_label("Token")).to_be_focused()
    expect(tab.page.get_by_label("Token")).to_have_value("")
    assert tab.page.locator("#board :is(tr, li)").count() == 0  # Nothing is left behind.
    tab.page.reload()
    expect(tab.page.get_by_label("Token")).to_be_visible()
    expect(tab.page.get_by_role("heading", name="Load balancers")).to_be_hidden()


def test_a_drained_origin_gets_no_more_traffic(tab: Screen, worker: Workerd) -> None:
    """A click and a confirmation drain an origin; the same again enables it."""
    tab.log_in()
    assert served(worker) == {"one", "two"}

    tab.button("Drain one").click()
    expect(tab.dialog).to_contain_text("Drain one?")
    assert served(worker) == {"one", "two"}  # Not confirmed yet.
    tab.dialog.get_by_role("button", name="Drain").click()
    expect(tab.state("one")).to_have_text("Disabled")  # Without drain_duration.

    assert served(worker) == {"two"}
    expect(
        tab.page.get_by_role("status").filter(has_text="one in main is disabled")
    ).to_be_attached()

    tab.act("Enable", "one")
    expect(tab.state("one")).to_have_text("Available")
    until(lambda: served(worker) == {"one", "two"})


def test_traffic_is_shown_as_it_flows(tab: Screen, worker: Workerd) -> None:
    """An origin's share and chart of traffic appear when isolates have reported their counters."""
    tab.log_in()
    share = tab.row("one").get_by_role("cell").nth(1)

    def seen() -> bool:
        return served(worker, 6) == {"one", "two"} and "%" in share.inner_text()

    until(seen, 60)
    expect(share.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"^[1-9]\d* requests in the last hour, 0 failed")
    )
    expect(tab.row("one").get_by_role("img").last).to_have_attribute(
        "aria-label", re.compile(r"^Health in the last 24 hours: unhealthy for 0 s of")
    )


def test_an_action_that_is_not_confirmed_changes_nothing(tab: Screen, worker: Workerd) -> None:
    """Cancelling by button or Escape changes nothing, and the focus returns to where it was."""
    version = status(worker)["version"]
    tab.log_in()

    tab.button("Disable one").click()
    expect(tab.button("Cancel")).to_be_focused()  # Enter alone cancels.
    tab.button("Cancel").click()
    expect(tab.dialog).to_be_hidden()
    tab.button("Disable one").click()
    tab.page.keyboard.press("Escape")
    expect(tab.dialog).to_be_hidden()

    expect(tab.button("Disable one")).to_be_focused()
    assert status(worker)["version"] == version


def test_the_weight_is_set_to_what_was_typed(tab: Screen, worker: Workerd) -> None:
    """The typed weight is set; an invalid one is reported before anything is sent."""
    tab.log_in()
    tab.button("Weight one").click()
    field = tab.dialog.get_by_label("Weight, from 0 to 1")
    expect(field).to_have_value("1")
    field.fill("0")
    tab.button("Set weight").click()
    expect(tab.state("one")).to_have_text("Weight 0")

    assert served(worker) == {"two"}


def test_what_the_balancer_refuses_is_told_in_its_words(tab: Screen) -> None:
    """If the balancer refuses to disable the last origin, the open dialog shows its message."""
    tab.log_in()
    tab.act("Disable", "one")
    tab.page.get_by_role("row").filter(has_text="<img").get_by_role(
        "button", name="Disable"
    ).click()
    tab.dialog.get_by_role("button", name="Disable").click()
    expect(tab.dialog).to_be_hidden()

    tab.button("Disable two").click()
    tab.dialog.get_by_role("button", name="Disable").click()

    told = tab.dialog.get_by_role("alert")
    expect(told).to_contain_text("not one pool would have an origin that is enabled")
    tab.button("Cancel").click()
    expect(tab.state("two")).to_have_text("Available")
    tab.page.get_by_role("row").filter(has_text="<img").get_by_role("button", name="Enable").click()
    tab.dialog.get_by_role("button", name="Enable").click()
    expect(tab.dialog).to_be_hidden()


def test_an_origin_that_dies_is_seen_without_a_reload(tab: Screen, two: Origin) -> None:
    """An origin's failure appears without a reload: state, cause, verdict, event, announcement."""
    tab.log_in()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Everything is well")

    two.fail_health()

    expect(tab.state("two")).to_have_text("Unhealthy")
    expect(tab.row("two")).to_contain_text("Response code mismatch")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("two is unhealthy")
    expect(tab.page.locator("#events")).to_contain_text("two in main is unhealthy")
    expect(tab.page.locator("#said")).to_have_text("two in main is unhealthy.")
    two.reset()
    expect(tab.state("two")).to_have_text("Available")


def test_the_latest_probe_of_an_available_origin_is_seen_if_it_says_nothing(
    tab: Screen, two: Origin
) -> None:
    """A cached answer leaves the origin healthy, and the page shows why nothing is known now."""
    tab.log_in()
    expect(tab.state("two")).to_have_text("Available")

    two.fail_health(reply(200, "", ("CF-Cache-Status", "HIT")))

    expect(tab.row("two")).to_contain_text("latest probe: Answered from Cloudflare's cache")
    expect(tab.state("two")).to_have_text("Available")
    two.reset()
    expect(tab.row("two")).not_to_contain_text("latest probe")


def test_everything_can_be_done_with_the_keyboard(tab: Screen, worker: Workerd) -> None:
    """The keyboard alone is enough to log in and drain an origin; the focus is always visible."""
    tab.open()
    keys = tab.page.keyboard
    expect(tab.page.get_by_label("Token")).to_be_focused()
    keys.type(TOKEN)
    keys.press("Enter")
    expect(tab.state("one")).to_have_text("Available")

    target = tab.page.get_by_role("button", name="Drain two", exact=True)
    for _ in range(60):
        if target.evaluate("node => node === document.activeElement"):
            break
        keys.press("Tab")
        seen = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert seen != "none", tab.page.evaluate("document.activeElement.outerHTML")
    expect(target).to_be_focused()
    keys.press("Enter")
    expect(tab.dialog.get_by_role("button", name="Drain")).to_be_focused()
    keys.press("Enter")

    expect(tab.state("two")).to_have_text("Disabled")
    expect(tab.button("Enable two")).to_be_focused()
    assert served(worker) == {"one"}


def test_names_are_text_whatever_they_hold(tab: Screen) -> None:
    """A name that contains HTML is shown as text in the table, the dialog and labels."""
    tab.log_in()
    expect(tab.page.get_by_role("rowheader").filter(has_text=MISCHIEF)).to_be_visible()
    tab.page.get_by_role("row").filter(has_text="<img").get_by_role("button", name="Drain").click()
    expect(tab.dialog).to_contain_text(f"Drain {MISCHIEF}?")

    assert tab.page.locator("img, script:not(body > script)").count() == 0
    assert tab.page.evaluate("typeof hurt") == "undefined"


def test_nothing_that_gets_in_is_run(browser: Browser, worker: Workerd) -> None:
    """The content security policy stops a script that is injected into the page."""
    with screen(browser, worker) as shown:
        shown.log_in()
        attempts = (
            "document.body.innerHTML = '<b>'",
            "made = document.createElement('script'); made.text = 'hurt = 1'; append(made)",
            "document.body.setAttribute('onclick', 'hurt = 1'); document.body.click()",
            "fetch('https://example.com/')",
        )
        for attempt in attempts:
            refused = shown.page.evaluate(
                "async (code) => { try { await (0, eval)(code); return '' } "
                "catch (error) { return String(error) } }",
                attempt,
            )
            assert shown.problems or refused
        assert shown.page.evaluate("typeof hurt") == "undefined"
        shown.problems.clear()


def test_a_token_that_may_only_look_gets_no_buttons(tab: Screen) -> None:
    """A read-only token gets no buttons, and the page says why."""
    tab.log_in(READ)

    expect(tab.state("one")).to_have_text("Available")
    expect(tab.page.get_by_text("Read-only: nothing can be changed")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Drain")).to_have_count(0)


def test_a_balancer_that_does_not_answer_is_told_and_asked_again(tab: Screen) -> None:
    """If the balancer does not answer, the page keeps the last status with its age and retries."""
    tab.log_in()
    expect(tab.state("one")).to_have_text("Available")
    age = tab.page.locator("#age")

    def fail(route: Route) -> None:
        route.fulfill(status=503, json={"success": False, "errors": [{"message": "gone fishing"}]})

    tab.page.route(PAGE, fail)
    expect(age).to_contain_text("gone fishing: this is")
    expect(tab.state("one")).to_have_text("Available")
    tab.page.unroute(PAGE)
    tab.problems.clear()

    expect(age).to_contain_text("live")


def test_a_session_that_has_ended_leads_back_to_the_token(tab: Screen) -> None:
    """When the session ends, the page asks for the token again."""
    tab.log_in()
    tab.page.context.clear_cookies()

    expect(tab.page.get_by_label("Token")).to_be_focused()
    expect(tab.page.get_by_role("alert").filter(has_text="has ended")).to_be_visible()
    assert tab.page.locator("#board :is(tr, li)").count() == 0
    tab.log_in()
    expect(tab.state("two")).to_have_text("Available")


def test_a_page_that_nobody_sees_asks_nothing(tab: Screen) -> None:
    """A hidden page sends no requests, and updates at once when it is visible again."""
    tab.page.add_init_script(
        "let away = false;"
        "Object.defineProperty(document, 'hidden', {get: () => away});"
        "window.leave = (gone) => {"
        " away = gone; document.dispatchEvent(new Event('visibilitychange')) };"
    )
    tab.page.clock.install()
    tab.log_in()
    expect(tab.state("one")).to_have_text("Available")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))

    tab.page.evaluate("leave(true)")
    tab.page.clock.run_for(60_000)
    before = len(asked)
    tab.page.clock.run_for(600_000)
    assert len(asked) == before
    with tab.page.expect_request(PAGE):
        tab.page.evaluate("leave(false)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_readable_for_everybody(
    browser: Browser, worker: Workerd, scheme: Any, width: int
) -> None:
    """The page has no accessibility problem that axe finds, light or dark, on phone or desktop."""
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with screen(browser, worker, **options) as shown:
        shown.open()
        expect(shown.page.get_by_label("Token")).to_be_visible()
        assert shown.overflow <= 0
        assert shown.inaccessible() == []
        shown.log_in()
        expect(shown.state("one")).to_have_text("Available")
        assert shown.overflow <= 0
        assert shown.inaccessible() == []
        shown.button("Weight one").click()
        assert shown.overflow <= 0
        assert shown.inaccessible() == []
        ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in ground.strip("rgb()").split(",")[:3]) > 384
        assert light is (scheme == "light")


def test_less_motion_where_it_is_wished(browser: Browser, worker: Workerd) -> None:
    """Nothing slides or fades for a user who prefers reduced motion."""
    with screen(browser, worker, reduced_motion="reduce") as shown:
        shown.log_in()
        moving = shown.page.evaluate(
            "[...document.querySelectorAll('*')].filter((node) =>"
            " parseFloat(getComputedStyle(node).transitionDuration) > 0).length"
        )
        assert moving == 0
