"""An explanation on the terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenkeel.explain.model import Choice, Explanation, Turn
from evenkeel.explain.scenario import Request
from evenkeel.output.tables import grid, listed

MOST_SHOWN = 10
"""Most choices of one attempt that are printed; JSON has all."""


def show(console: Console, request: Request, found: Explanation) -> None:
    """Print an explanation."""
    console.print(Text.assemble((request.method, "bold"), f" {request.url}"), soft_wrap=True)
    console.print()
    rows = grid()
    for step in found.steps:
        rows.add_row(Text(step.about, "dim"), Text(step.found, "bold"), Text(step.why))
    console.print(rows)
    if found.pools:
        console.print()
        console.print(pools(found))
    if found.turns:
        console.print()
        for turn in found.turns:
            show_turn(console, turn)
    if found.untried:
        names = listed([f"{each.pool}/{each.origin}" for each in found.untried], MOST_SHOWN)
        console.print(Text(f"   not tried any more: {names}", "dim"), soft_wrap=True)
    if found.own is not None:
        console.print()
        console.print(ending(found), soft_wrap=True)


def pools(found: Explanation) -> Table:
    """The pools and their origins."""
    rows = grid()
    for pool in found.pools:
        colour = "green" if pool.available else "red"
        rows.add_row(Text(f"pool {pool.name}", "bold"), Text(pool.health, colour), Text(pool.why))
        rows.add_row("", Text("origins", "dim"), Text(pool.origin_steering, "dim"))
        if pool.load_shedding:
            rows.add_row("", Text("sheds", "dim"), Text(pool.load_shedding, "dim"))
        for origin in pool.origins:
            fine = origin.standing == "available"
            standing = Text(origin.standing, "green" if fine else "yellow")
            rows.add_row(Text(f"  {origin.name}"), standing, Text("" if fine else origin.why))
    return rows


def show_turn(console: Console, turn: Turn) -> None:
    """Print the choices of one attempt."""
    title = "goes to" if turn.number == 1 else "if that fails, to"
    console.print(Text(f"{turn.number}. {title}", "bold"))
    rows = grid()
    for choice in turn.choices[:MOST_SHOWN]:
        rows.add_row(Text(share(choice), "cyan"), f"{choice.pool}/{choice.origin}", choice.why)
    if len(turn.choices) > MOST_SHOWN:
        rows.add_row("", f"and {len(turn.choices) - MOST_SHOWN} others", "")
    console.print(Padding(rows, (0, 0, 0, 3)))
    if turn.new_cookie:
        console.print(Text("   its answer brings the client an affinity cookie", "dim"))


def share(choice: Choice) -> str:
    """A share of requests in percent; "always" for all of them."""
    return "always" if choice.share == 1 else f"{100 * choice.share:.0f} %"


def ending(found: Explanation) -> Text:
    """The balancer's own response, and when it is sent."""
    own = found.own
    if own is None:
        return Text()
    before = ("", "if that fails: ", "if that fails too: ")[min(len(found.turns), 2)]
    text = Text(before)
    text.append(f"{own.status} {own.reason}", "bold")
    text.append(f", to {own.location}" if own.location else "")
    text.append(f" ({found.stopped})" if found.stopped else "")
    return text
