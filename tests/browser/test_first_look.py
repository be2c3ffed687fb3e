"""The status page of a balancer that only its file describes, and of a very large one."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from support.origins import origins
from support.screen import VARIABLES, screen, served
from support.toml import load_balancer, pool
from support.workerd import workerd

PUBLIC = "[admin]\npublic_page = true\n\n"


def test_the_file_is_adopted_by_clicking(browser: Browser) -> None:
    """A click adopts the file; only then can objects be changed, without a reload."""
    with origins(2) as (one, two):
        text = "\n".join([pool("p", one, two), load_balancer("*", "p")])
        with workerd(text, VARIABLES, state=True) as worker, screen(browser, worker) as shown:
            shown.log_in()
            expect(shown.row("one")).to_be_visible()
            expect(shown.button("Drain one")).to_have_count(0)
            expect(shown.page.get_by_text("from the file")).to_be_visible()

            shown.button("Adopt…").click()
            shown.dialog.get_by_role("button", name="Adopt").click()
            shown.act("Drain", "one")

            expect(shown.state("one")).to_have_text("Disabled")
            assert served(worker) == {"two"}
            expect(shown.button("Adopt…")).to_have_count(0)


def test_what_keeps_the_state_from_being_shown_is_told(browser: Browser) -> None:
    """The page says that the Durable Object is not bound."""
    with origins(1) as (one,):
        text = "\n".join([pool("p", one), load_balancer("*", "p")])
        with workerd(text, VARIABLES) as worker, screen(browser, worker) as shown:
            shown.log_in()
            expect(shown.page.get_by_role("heading", level=1)).to_have_text("Nothing can be shown")
            expect(shown.page.locator("#counts")).to_contain_text("bind LB_STATE")
            shown.problems.clear()  # Chromium logs each response with status 501.


def test_a_thousand_origins_stay_usable(browser: Browser) -> None:
    """A thousand origins are listed in closed pools and by fifties, and the filter finds one."""
    many = [
        {"name": f"server-{number}", "address": f"http://127.0.0.1:{10_000 + number}"}
        for number in range(1000)
    ]
    text = "\n".join([pool("many", *many), load_balancer("*", "many")])
    with workerd(text, VARIABLES, state=True) as worker, screen(browser, worker) as shown:
        shown.log_in()
        rows = shown.page.get_by_role("rowheader")
        expect(
            shown.page.get_by_text("1000 of 1000 origins available", exact=False).first
        ).to_be_visible()
        expect(rows).to_have_count(0)

        shown.page.locator("summary", has_text="many").click()
        expect(rows).to_have_count(50)
        shown.button("Show all 1000 origins").click()
        expect(rows).to_have_count(1000)

        shown.page.get_by_label("Pool, origin or address").fill("server-777")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("127.0.0.1:10777")
        expect(shown.page.locator("#found")).to_have_text("1 origin shown")


def test_the_public_page_shows_names_and_nothing_else(browser: Browser) -> None:
    """The public page shows names only, without a token and without the Durable Object."""
    with origins(1) as (one,):
        text = PUBLIC + "\n".join([pool("p", one), load_balancer("www.example.com", "p")])
        with workerd(text, VARIABLES) as worker, screen(browser, worker) as shown:
            shown.page.goto(shown.url + "public")

            expect(shown.page.get_by_role("heading")).to_have_text("Everything is up")
            expect(shown.page.get_by_role("listitem")).to_have_text("www.example.comUp")
            assert shown.inaccessible() == []
            assert worker.get("/_lb/status").status == 401


def test_without_its_setting_there_is_no_public_page(browser: Browser) -> None:
    """The public page is off by default."""
    with origins(1) as (one,):
        text = "\n".join([pool("p", one), load_balancer("*", "p")])
        with workerd(text, VARIABLES) as worker:
            answer = worker.get("/_lb/public")

            assert answer.status == 404
            assert one.requests == []
