"""Draws the chart of the README: CPU time of a request, and latency added to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from measure.bench.model import Measured
from measure.bench.peers import ALONE, PEERS
from measure.bench.scenarios import BUSY, QUIET, microseconds, milliseconds
from measure.common.evenkeel_worker import Evenkeel
from measure.common.figures import added
from measure.common.servers import Server

WIDTH = 880
LEFT = 24
LABELS = 236
"""Left edge of the first panel's bars."""
PANEL = 236
"""Length of the longest bar."""
GAP = 324
"""Distance from one panel's bars to the next one's."""
ROW, BAR = 28, 16
TOP = 62
FONT = "system-ui,-apple-system,Segoe UI,Roboto,sans-serif"
STYLE = (
    ".bg{fill:#fff}.t{fill:#1f2328;font-size:14px;font-weight:600}.l{fill:#1f2328;font-size:13px}"
    ".s{fill:#59636e;font-size:12px}.own{fill:#f38020}.worker{fill:#6e7781}.server{fill:#c2c8ce}"
    "@media (prefers-color-scheme:dark){.bg{fill:#0d1117}.t,.l{fill:#f0f6fc}.s{fill:#9198a1}"
    ".worker{fill:#8c959f}.server{fill:#57606a}}"
)
GROUPS = (
    ("own worker", "Workers, on Cloudflare's edge: nothing of yours to run"),
    ("server", "Servers, on a machine of yours: one core each"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A peer's row."""

    name: str
    kind: str
    """Class in the style: own, worker or server."""
    cpu: float
    added: float
    """Seconds of latency above the origin alone, at one connection."""


def bars(measured: Measured) -> list[Bar]:
    """The rows of the peers in front of an origin."""
    runs, kinds = measured.runs, {peer.name: kind_of(peer) for peer in PEERS}
    alone = runs.get(ALONE, {}).get(QUIET.name, ())
    return [
        Bar(
            peer,
            kinds[peer],
            median(one["cpu"] for one in scenarios[BUSY.name]),
            added(scenarios[QUIET.name], alone, "p50"),
        )
        for peer, scenarios in runs.items()
        if peer in kinds and peer != ALONE and alone
    ]


def kind_of(peer: object) -> str:
    """A peer's class in the style."""
    if isinstance(peer, Evenkeel):
        return "own"
    return "server" if isinstance(peer, Server) else "worker"


def chart(found: Sequence[Bar], note: str) -> str:
    """The SVG, for light and dark backgrounds; `note` is its last line."""
    lines = list(_rows(found))
    height = TOP + sum(step for step, _ in lines) + 34
    spoken = "; ".join(
        f"{bar.name}: {microseconds(bar.cpu)} microseconds and {milliseconds(bar.added)} ms"
        for bar in found
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
    body = [
        head + f'font-family="{FONT}" role="img" aria-labelledby="t d">',
        '<title id="t">What a request costs, and how much later it is answered</title>',
        f'<desc id="d">{escape(spoken)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" width="{WIDTH}" height="{height}" rx="8"/>',
        _text("t", LABELS, 32, "CPU time of a request"),
        _text("t", LABELS + GAP, 32, "Added to its latency"),
        _text("s", LABELS, 50, "microseconds; less is better"),
        _text("s", LABELS + GAP, 50, "milliseconds, nothing else going on"),
    ]
    y = TOP
    for step, draw in lines:
        body.append(draw.replace("{y}", str(y)))
        y += step
    body += [_text("s", LEFT, height - 14, note), "</svg>"]
    return "\n".join(body) + "\n"


def _rows(found: Sequence[Bar]) -> Iterator[tuple[int, str]]:
    """Height and drawing of each row."""
    most_cpu = max((bar.cpu for bar in found), default=0.0)
    most_added = max((bar.added for bar in found), default=0.0)
    for kinds, heading in GROUPS:
        members = [bar for bar in found if bar.kind in kinds.split()]
        if not members:
            continue
        yield ROW + 4, _group(_text("s", LEFT, 22, heading))
        for bar in members:
            weight = "t" if bar.kind == "own" else "l"
            yield (
                ROW,
                _group(
                    _text(weight, LEFT, BAR + 1, bar.name)
                    + _bar(LABELS, bar.kind, bar.cpu, most_cpu, microseconds(bar.cpu))
                    + _bar(LABELS + GAP, bar.kind, bar.added, most_added, milliseconds(bar.added))
                ),
            )


def _group(inside: str) -> str:
    return f'<g transform="translate(0 {{y}})">{inside}</g>'


def _bar(x: int, kind: str, value: float, most: float, label: str) -> str:
    length = round(max(2.0, value / most * PANEL), 1) if most > 0 else 2.0
    drawn = f'<rect class="{kind}" x="{x}" y="4" width="{length}" height="{BAR}" rx="2"/>'
    return drawn + _text("l", x + length + 6, BAR + 1, label)


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
