"""`evenkeel status`: the present state of load balancers, pools and origins."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from evenkeel.live.client.document import Part, number, parts, pools_of, report_of
from evenkeel.live.client.polling import Polling
from evenkeel.live.client.session import Session, live
from evenkeel.output.errors import Exit, Failure, UsageError, plain
from evenkeel.output.tables import grid
from evenkeel.output.times import ago, clock, until

COLOURS: Mapping[str, str] = {
    "available": "green",
    "healthy": "green",
    "degraded": "yellow",
    "critical": "red",
    "unknown": "dim",
    "unhealthy": "red",
    "ejected": "red",
    "draining": "yellow",
    "maintenance": "yellow",
    "disabled": "yellow",
    "weight 0": "yellow",
}
"""State of an origin, a pool or a load balancer -> colour."""
NOT_HEALTHY = frozenset({"degraded", "critical"})
"""Health of a load balancer that fails --check."""


@live
def status(
    session: Session,
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For monitoring: exit code 1 if a load balancer is not healthy or probes have "
            "stopped.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Update the output until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option(help="Seconds between two requests of --watch.", min=1, max=3600)
    ] = 5.0,
) -> None:
    """Print load balancers, pools and origins: state, since when, why, traffic and latency."""
    if watch:
        if check or session.as_json:
            raise UsageError("--watch cannot be combined with --check or --json")
        _watch(session, interval)
        return
    report = report_of(session)
    if session.as_json:
        session.json(report)
    else:
        for line in shown(report, session.host.now()):
            session.out.print(line)
    found = list(problems(report))
    if check and found:
        raise Failure(Exit.NO, "; ".join(found))


def _watch(session: Session, interval: float) -> None:
    """Update the status in place."""
    polling = Polling(session, interval)
    with (
        suppress(KeyboardInterrupt),
        Live(console=session.out, auto_refresh=False) as screen,
    ):
        while True:
            report = polling.poll(lambda: report_of(session))
            if report is not None:
                screen.update(Group(*shown(report, session.host.now())), refresh=True)
            polling.pause()


def problems(report: Part) -> Iterator[str]:
    """The problems: load balancers that are not healthy, and probes that have stopped."""
    for lb in parts(report, "load_balancers"):
        if lb.get("enabled") is not False and str(lb.get("health")) in NOT_HEALTHY:
            yield f"{plain(lb.get('name', ''))} is {lb['health']}"
    for warning in parts(report, "warnings"):
        if warning.get("kind") == "prober_stalled":
            yield plain(warning.get("message", ""))


def shown(report: Part, now: float) -> Iterator[Text | Table]:
    """The status as text and tables."""
    head = Text(f"version {plain(report.get('version', ''))}", "dim")
    head.append(f", {clock(report.get('at'))}")
    if report.get("probed"):
        head.append(f", probed {ago(report['probed'], now)} ago")
    yield head
    for warning in parts(report, "warnings"):
        yield Text(f"warning: {plain(warning.get('message', ''))}", "yellow")
    pools = {str(pool.get("name")): pool for pool in parts(report, "pools")}
    used: set[str] = set()
    for lb in parts(report, "load_balancers"):
        yield Text()
        yield _load_balancer(lb)
        names = [name for name in pools_of(lb) if name in pools]
        used.update(names)
        if names:
            yield _pools([pools[name] for name in names], now)
    idle = [pool for name, pool in pools.items() if name not in used]
    if idle:
        yield Text()
        yield Text("in no load balancer", "dim")
        yield _pools(idle, now)


def _load_balancer(lb: Part) -> Text:
    line = Text(plain(lb.get("name", "")), "bold")
    line.append("  ")
    if lb.get("enabled") is False:
        line.append("disabled", "not bold yellow")
    else:
        line.append_text(_state(lb.get("health")))
    line.append(f"  steering_policy {plain(lb.get('steering_policy', ''))}", "not bold dim")
    line.append(f", session_affinity {plain(lb.get('session_affinity', ''))}", "not bold dim")
    return line


def _pools(pools: Iterable[Part], now: float) -> Table:
    rows = grid()
    for pool in pools:
        state = pool.get("state", pool.get("health"))
        rows.add_row(
            Text(f"  {plain(pool.get('name', ''))}", "bold"), _state(state), *_since(pool, now)
        )
        for origin in parts(pool, "origins"):
            rows.add_row(
                Text(f"    {plain(origin.get('name', ''))}"),
                _state(origin.get("state")),
                *_since(origin, now),
                Text(", ".join(_more(origin)), "dim"),
            )
    return rows


def _state(state: object) -> Text:
    return Text(plain(state or ""), f"not bold {COLOURS.get(str(state), '')}".strip())


def _since(one: Part, now: float) -> tuple[Text, Text]:
    """The time since the last change, and its reason and end."""
    why = plain(one.get("why") or "")
    if one.get("until"):
        why += f"{', ' if why else ''}until {until(one['until'], now)}"
    return Text(ago(one.get("since"), now), "dim"), Text(why)


def _more(origin: Part) -> Iterator[str]:
    """Share of traffic, weight and latency, if known; the weight if it is neither 0 nor 1."""
    share, weight, latency = (number(origin.get(key)) for key in ("share", "weight", "latency_ms"))
    if share is not None:
        yield f"{100 * share:.0f} % of traffic"
    if weight is not None and weight not in {0, 1}:
        yield f"weight {weight:g}"
    if latency is not None:
        yield f"{latency:.0f} ms"
