"""Pages of the admin side: their policy and their content."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import lb
from lb.admin.pages.csp import shell
from lb.admin.pages.public import public_page
from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth
from lb.model import Health
from support.make import balancer_of, config_of, monitor, pool

PANEL = (Path(lb.__file__).parent / "admin" / "pages" / "status.html").read_text("utf-8")
DOWN = OriginHealth(health=Health.UNHEALTHY)


def policy(html: str) -> str:
    """Return the Content-Security-Policy of a page."""
    return dict(shell(html).headers)["Content-Security-Policy"]


def digest(text: str) -> str:
    """Return a text's hash as a policy names it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_a_page_runs_what_stands_in_it_and_nothing_else() -> None:
    """The policy has hashes, no `unsafe-inline`, and no other host."""
    told = policy("<style>a{}</style><p><script data-x>\nrun()\n</script>")

    assert f"script-src {digest(chr(10) + 'run()' + chr(10))};" in told
    assert f"style-src {digest('a{}')};" in told
    assert "default-src 'none';" in told
    assert "unsafe" not in told


def test_a_page_without_a_script_runs_none() -> None:
    """The policy says so."""
    assert "script-src 'none';" in policy("<p>")


def test_the_status_page_comes_whole() -> None:
    """It fetches nothing from elsewhere, and has neither data nor inline handlers."""
    addresses = set(re.findall(r"https?://[^\s\"'<>%]+", PANEL))

    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nobody asks for
    assert re.findall(r"<(?:script|link|img|iframe|style)\b[^>]*\s(?:src|on\w+)=", PANEL) == []
    assert re.findall(r"\s(?:on[a-z]+|style)=\"", PANEL) == []
    assert len(re.findall("<script", PANEL)) == len(re.findall("<style", PANEL)) == 1
    # Cloudflare's Rocket Loader leaves alone what says so.
    assert '<script data-cfasync="false">' in PANEL


def test_the_status_page_never_reads_data_as_html() -> None:
    """Names may hold anything."""
    for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function("):
        assert way not in PANEL, way


def test_the_status_page_is_small() -> None:
    """It is uploaded with the Worker, whose size is limited."""
    assert len(PANEL.encode()) < 56 * 1024


def drawn(*marks: str, **fields: bool) -> str:
    """Return the public page of load balancers a, b, ...; each mark is a pool: + up, - down."""
    names = ["a.example.com", "b.example.com"]
    pools = {
        (name, number): pool(f"p{lb}{number}", "secret-origin", monitor=monitor())
        for lb, name in enumerate(names)
        for number in range(2)
    }
    config = config_of(
        *(
            balancer_of(*(pools[name, at] for at in range(len(each))), name=name, **fields)
            for name, each in zip(names, marks, strict=False)
        )
    )
    health = {
        (pools[name, at].name, "secret-origin"): DOWN
        for name, each in zip(names, marks, strict=False)
        for at, mark in enumerate(each)
        if mark == "-"
    }
    return public_page(config, Snapshot(health, {}, 0.0))


def states(page: str) -> list[tuple[str, str]]:
    """Return the state of each load balancer on a public page."""
    return re.findall(r"<li><span>(.*?)</span><b class=\"\w+\">(\w+)</b></li>", page)


def test_the_public_page_shows_what_is_up() -> None:
    """A load balancer is up while one of its pools takes traffic."""
    page = drawn("-+", "--")

    assert states(page) == [("a.example.com", "Up"), ("b.example.com", "Down")]
    assert "<h1>1 of 2 down</h1>" in page
    assert "<h1>Everything is up</h1>" in drawn("+", "+")


def test_the_public_page_shows_nothing_else() -> None:
    """It has no pools, origins, addresses, versions or times."""
    page = drawn("-+", "+")

    assert "secret" not in page
    assert "p00" not in page
    assert "Evenkeel" not in page


def test_a_disabled_load_balancer_is_not_on_the_public_page() -> None:
    """It serves nobody."""
    assert states(drawn("+", enabled=False)) == []


def test_names_are_text_on_the_public_page() -> None:
    """They are escaped; the load balancer for any host has a readable name."""
    hurt = balancer_of(pool("p", "a"), name="<b>&'\"")
    others = balancer_of(pool("p", "a"), name="*")
    now = Snapshot({}, {}, 0.0)

    assert "<span>&lt;b&gt;&amp;&#x27;&quot;</span>" in public_page(config_of(hurt), now)
    assert states(public_page(config_of(others), now)) == [("This site", "Up")]
    assert ("All other hosts", "Up") in states(public_page(config_of(hurt, others), now))
