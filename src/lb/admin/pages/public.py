"""The public page: which load balancers are up, and nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lb.selection.serving_now import serving_now

if TYPE_CHECKING:
    from lb.health.snapshot import Snapshot
    from lb.model import Config, LoadBalancer

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
:root{{--ground:#f4f6f7;--card:#fff;--line:#d9dfe2;--ink:#16232a;--soft:#55656d;--up:#146a40;\
--down:#b3261e}}
@media (prefers-color-scheme:dark){{:root{{--ground:#0e1518;--card:#162024;--line:#2c3a40;\
--ink:#e6edf0;--soft:#9dafb7;--up:#6fd6a2;--down:#ff9a92}}}}
body{{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;\
overflow-wrap:anywhere}}
main{{max-width:36rem;margin:12vh auto;padding:0 1.25rem}}
h1{{font-size:1.6rem;letter-spacing:-.02em;margin:0 0 1.25rem}}
ul{{list-style:none;margin:0;padding:0;background:var(--card);border:1px solid var(--line);\
border-radius:14px}}
li{{display:flex;gap:1rem;justify-content:space-between;padding:.8rem 1.1rem}}
li+li{{border-top:1px solid var(--line)}}
b{{white-space:nowrap}}
.up{{color:var(--up)}}.down{{color:var(--down)}}
p{{color:var(--soft);font-size:.85rem}}
</style>
</head>
<body><main>
<h1>{title}</h1>
<ul>
{rows}
</ul>
<p>As it was when this page was loaded.</p>
</main></body>
</html>
"""
_ROW = '<li><span>{name}</span><b class="{state}">{word}</b></li>'


def public_page(config: Config, snapshot: Snapshot) -> str:
    """Return the page: the names of the enabled load balancers, each up or down.

    A load balancer is up while some request goes to an origin that takes traffic.
    """
    shown = [(lb, _is_up(lb, snapshot)) for lb in config.load_balancers if lb.enabled]
    down = sum(not up for _, up in shown)
    title = "Everything is up" if not down else f"{down} of {len(shown)} down"
    rows = (
        _ROW.format(
            name=escape(_name(lb, alone=len(shown) == 1)),
            state="up" if up else "down",
            word="Up" if up else "Down",
        )
        for lb, up in shown
    )
    return _PAGE.format(title=title, rows="\n".join(rows))


def _is_up(lb: LoadBalancer, snapshot: Snapshot) -> bool:
    return any(one.is_up for one in serving_now(lb, snapshot))


def _name(lb: LoadBalancer, *, alone: bool) -> str:
    if lb.name != "*":
        return lb.name
    return "This site" if alone else "All other hosts"
