"""`evenkeel explain`: which origin a request would get, and why."""

import json
import os
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenkeel.check.command import CONFIG, Unreadable, examine
from evenkeel.dev.checkout import WRANGLER_CONFIG
from evenkeel.explain.explanation import Choice, Explanation, Turn, explain
from lb.config import Invalid, from_variables
from lb.config.reading.moments import seconds_of
from lb.config.reading.problems import nearest
from lb.health.verdict import OriginHealth
from lb.model import Config, Health, LoadBalancer, Origin
from lb.model.identity import identity_of
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Refuse
from lb.request.facts import RequestFacts
from lb.request.outcomes import Judgement
from lb.state.shared_view import SharedHealth

MOST_SHOWN = 10
"""Choices of one attempt that people are shown; JSON has them all."""


class UsageError(Exception):
    """What was asked for cannot be answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that nobody sends, and what is supposed of the origins."""

    host: str
    path: str
    method: str
    headers: Mapping[str, str]
    cf: Mapping[str, str]
    https: bool
    body: int

    @property
    def url(self) -> str:
        return f"http{'s' if self.https else ''}://{self.host}{self.path}"

    def facts(self, more: str = "") -> RequestFacts:
        """The request as the core sees it; `more` is one more cookie."""
        headers = dict(self.headers)
        cookies = "; ".join(each for each in (headers.get("cookie", ""), more) if each)
        if cookies:
            headers["cookie"] = cookies
        if self.body:
            headers["content-length"] = str(self.body)
        return RequestFacts(
            self.method, self.url, headers.get, lambda: self.body > 0, self.cf.get, headers.items
        )


def command(  # noqa: PLR0913 - one for each option of the command
    *,
    host: Annotated[
        str,
        typer.Option(help="The host that is asked. Without it: that of the only load balancer."),
    ] = "",
    path: Annotated[str, typer.Option(help="Path and query.")] = "/",
    method: Annotated[str, typer.Option(help="The method.")] = "GET",
    header: Annotated[
        list[str] | None, typer.Option(help="A header of the request, NAME:VALUE; repeatable.")
    ] = None,
    cookie: Annotated[
        list[str] | None, typer.Option(help="A cookie of the request, NAME=VALUE; repeatable.")
    ] = None,
    session: Annotated[
        str, typer.Option(help="The client has the affinity cookie of this origin.")
    ] = "",
    ip: Annotated[str, typer.Option(help="The client's address.")] = "",
    country: Annotated[str, typer.Option(help="The client's country: DE.")] = "",
    colo: Annotated[str, typer.Option(help="The data centre that the request comes to: FRA.")] = "",
    cf: Annotated[
        list[str] | None,
        typer.Option(help="A property of Request.cf, NAME=VALUE: latitude=50.1; repeatable."),
    ] = None,
    body: Annotated[int, typer.Option(help="Bytes of the request's body.", min=0)] = 0,
    down: Annotated[
        list[str] | None,
        typer.Option(help="An origin that its monitor finds unhealthy, ORIGIN or POOL/ORIGIN."),
    ] = None,
    ejected: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose requests have failed, ORIGIN or POOL/ORIGIN."),
    ] = None,
    at: Annotated[str, typer.Option(help="When: 2026-12-01T22:00:00Z. Without it: now.")] = "",
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration. Without it: as the Worker that would be deployed."),
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option(help="A variable of the Worker, NAME=VALUE; repeatable.")
    ] = None,
    https: Annotated[bool, typer.Option("--https/--http", help="The client's scheme.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which origin a request would get and why, and what if that one fails.

    The answer comes from the balancer itself; nothing is sent. Every origin counts as well, but
    for those that are said to be down or ejected.
    """
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        settings = configuration(config, pairs(var, "=", "--var"))
        headers = {name.lower(): value for name, value in pairs(header, ":", "--header").items()}
        known = {"cf-connecting-ip": ip, "cf-ipcountry": country}
        headers |= {name: value for name, value in known.items() if value}
        if cookie:
            headers["cookie"] = "; ".join([*filter(None, [headers.get("cookie")]), *cookie])
        place = {"country": country, "colo": colo}
        place = {name: value for name, value in place.items() if value} | pairs(cf, "=", "--cf")
        asked = Asked(
            host or only_host(settings), path, method.upper(), headers, place, https, body
        )
        found = answer(settings, asked, down or [], ejected or [], session, moment(at))
    except UsageError as error:
        errors.print(Text(f"evenkeel: {error}", "red"))
        raise typer.Exit(2) from None
    if as_json:
        request = {"method": asked.method, "url": asked.url}
        typer.echo(json.dumps({"request": request, **asdict(found)}, indent=2))
    else:
        show(Console(highlight=False), asked, found)


def configuration(file: Path | None, variables: Mapping[str, str]) -> Config:
    """The configuration that the Worker would have."""
    if file is None:
        declared = tomllib.loads(WRANGLER_CONFIG.read_text("utf-8")).get("vars", {})
        variables = {**declared, **variables}
    named = from_variables(variables)
    if named is not None:
        if isinstance(named, Invalid):
            raise UsageError("; ".join(map(str, named.problems)))
        return named
    try:
        examined = examine(file or CONFIG)
    except Unreadable as error:
        raise UsageError(str(error)) from None
    if not isinstance(examined, Config):
        raise UsageError("\n".join(str(each) for each in examined))
    return examined


def answer(  # noqa: PLR0913, PLR0917 - what is asked, and what is supposed
    config: Config,
    asked: Asked,
    down: Iterable[str],
    ejected: Iterable[str],
    session: str,
    now: float,
) -> Explanation:
    """What the balancer says of the request."""
    balancer = Balancer(config, cookie_key=os.environ.get("LB_COOKIE_KEY", ""))
    health = {one.key: OriginHealth(health=Health.UNHEALTHY) for one in origins(config, down)}
    balancer.memory.adopt(
        SharedHealth(version=1, fingerprint=identity_of(config), probed=now, origins=health), now
    )
    for one in origins(config, ejected):
        eject(balancer, config, one, now)
    more = ""
    if session:
        more = cookie_of(balancer, asked, origins(config, [session]), now)
    return explain(balancer, asked.facts(more), now)


def eject(balancer: Balancer, config: Config, origin: Origin, now: float) -> None:
    """Let requests to an origin fail as often as it takes."""
    lb = next((lb for lb in config.load_balancers if uses(lb, origin)), None)
    if lb is None:
        raise UsageError(f"no load balancer uses {'/'.join(origin.key)}")
    failed = Judgement(failed=True, cause="as asked for")
    for _ in range(lb.ejection.consecutive_failures):
        balancer.memory.record(lb, origin, failed, now, now)


def uses(lb: LoadBalancer, origin: Origin) -> bool:
    """Whether a load balancer uses an origin."""
    return any(pool.name == origin.pool for pool in lb.watched)


def cookie_of(balancer: Balancer, asked: Asked, named: list[Origin], now: float) -> str:
    """The cookie that the client would have from the first of these origins that can give it."""
    facts = asked.facts()
    _, plan = balancer.plan(facts, now, lambda: 0.0)
    affinity = None if isinstance(plan, Refuse) else plan.serving.affinity
    if isinstance(plan, Refuse) or affinity is None:
        raise UsageError(f"--session: nothing keeps sessions for {facts.host}")
    for origin in named:
        if origin.pool in plan.serving.pools:
            cookie = affinity.cookie(origin, https=asked.https)
            if cookie is not None:
                return cookie.partition(";")[0]
    raise UsageError(f"--session: {plan.serving.lb.name} gives no cookie for that origin")


def origins(config: Config, names: Iterable[str]) -> list[Origin]:
    """The origins that are meant: of a name without a pool, all that have it."""
    everyone = [origin for pool in config.pools for origin in pool.origins]
    found: list[Origin] = []
    for name in names:
        meant = [one for one in everyone if name in {one.name, "/".join(one.key)}]
        if not meant:
            hint = nearest(name, [one.name for one in everyone])
            raise UsageError(f"there is no origin {name}{hint}")
        found += meant
    return found


def only_host(config: Config) -> str:
    """The host of the only load balancer."""
    names = [lb.name for lb in config.load_balancers if lb.enabled]
    if len(names) != 1:
        raise UsageError(f"--host: one of {', '.join(names) or 'none'}")
    return {"*": "localhost"}.get(names[0], names[0].replace("*", "www"))


def moment(at: str) -> float:
    """A time as an operator writes it, in seconds since the epoch."""
    if not at:
        return time.time()
    seconds = seconds_of(at)
    if seconds is None:
        raise UsageError(f"--at: {at} is no time such as 2026-12-01T22:00:00Z")
    return seconds


def pairs(given: Iterable[str] | None, mark: str, option: str) -> dict[str, str]:
    """Names and values from options such as NAME=VALUE."""
    found = {}
    for each in given or ():
        name, marked, value = each.partition(mark)
        if not marked or not name.strip():
            raise UsageError(f"{option}: {each!r} is not NAME{mark}VALUE")
        found[name.strip()] = value.strip()
    return found


def show(console: Console, asked: Asked, found: Explanation) -> None:
    """Print it for a person."""
    console.print(Text.assemble((asked.method, "bold"), f" {asked.url}"), soft_wrap=True)
    console.print()
    rows = Table.grid(padding=(0, 2))
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
        names = ", ".join(f"{each.pool}/{each.origin}" for each in found.untried[:MOST_SHOWN])
        more = len(found.untried) - MOST_SHOWN
        names += f" and {more} others" if more > 0 else ""
        console.print(Text(f"   not tried any more: {names}", "dim"), soft_wrap=True)
    if found.own is not None:
        console.print()
        console.print(ending(found), soft_wrap=True)


def pools(found: Explanation) -> Table:
    """Every pool with its origins."""
    rows = Table.grid(padding=(0, 2))
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
    """One attempt: where it may go."""
    title = "goes to" if turn.number == 1 else "if that fails, to"
    console.print(Text(f"{turn.number}. {title}", "bold"))
    rows = Table.grid(padding=(0, 2))
    for choice in turn.choices[:MOST_SHOWN]:
        rows.add_row(Text(share(choice), "cyan"), f"{choice.pool}/{choice.origin}", choice.why)
    if len(turn.choices) > MOST_SHOWN:
        rows.add_row("", f"and {len(turn.choices) - MOST_SHOWN} others", "")
    console.print(Padding(rows, (0, 0, 0, 3)))
    if turn.new_cookie:
        console.print(Text("   its answer brings the client an affinity cookie", "dim"))


def share(choice: Choice) -> str:
    """A share as people write it."""
    return "always" if choice.share == 1 else f"{100 * choice.share:.0f} %"


def ending(found: Explanation) -> Text:
    """What the client gets when the balancer answers itself."""
    own = found.own
    if own is None:
        return Text()
    before = ("", "if that fails: ", "if that fails too: ")[min(len(found.turns), 2)]
    text = Text(before)
    text.append(f"{own.status} {own.reason}", "bold")
    text.append(f", to {own.location}" if own.location else "")
    text.append(f" ({found.stopped})" if found.stopped else "")
    return text
