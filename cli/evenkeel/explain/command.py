"""`evenkeel explain`: which origin a request would get, and why."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evenkeel.explain.display import show
from evenkeel.explain.scenario import Request, configuration, explained, only_host
from evenkeel.output.console import plain_console, show_failure
from evenkeel.output.errors import UsageError
from lb.base.times import seconds_of


def command(  # noqa: PLR0913 - one for each option of the command
    *,
    host: Annotated[
        str,
        typer.Option(help="Host of the request. Default: that of the only load balancer."),
    ] = "",
    path: Annotated[str, typer.Option(help="Path and query.")] = "/",
    method: Annotated[str, typer.Option(help="Method.")] = "GET",
    header: Annotated[
        list[str] | None, typer.Option(help="Header of the request, NAME:VALUE; repeatable.")
    ] = None,
    cookie: Annotated[
        list[str] | None, typer.Option(help="Cookie of the request, NAME=VALUE; repeatable.")
    ] = None,
    session: Annotated[str, typer.Option(help="Origin of the client's affinity cookie.")] = "",
    ip: Annotated[str, typer.Option(help="Address of the client.")] = "",
    country: Annotated[str, typer.Option(help="Country of the client: DE.")] = "",
    colo: Annotated[str, typer.Option(help="Data centre that gets the request: FRA.")] = "",
    cf: Annotated[
        list[str] | None,
        typer.Option(help="Property of Request.cf, NAME=VALUE: latitude=50.1; repeatable."),
    ] = None,
    body: Annotated[int, typer.Option(help="Bytes of the request's body.", min=0)] = 0,
    down: Annotated[
        list[str] | None,
        typer.Option(help="Origin that is unhealthy, ORIGIN or POOL/ORIGIN; repeatable."),
    ] = None,
    ejected: Annotated[
        list[str] | None,
        typer.Option(help="Origin that is ejected, ORIGIN or POOL/ORIGIN; repeatable."),
    ] = None,
    at: Annotated[
        str, typer.Option(help="Time of the request: 2026-12-01T22:00:00Z. Default: now.")
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration file. Default: the Worker's configuration."),
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option(help="Variable of the Worker, NAME=VALUE; repeatable.")
    ] = None,
    https: Annotated[bool, typer.Option("--https/--http", help="Scheme of the request.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print which origin a request would get and why, and the next ones if that fails.

    The balancer's own code decides; nothing is sent. All origins count as healthy but for those of
    --down and --ejected.
    """
    try:
        settings = configuration(config, pairs(var, "=", "--var"))
        headers = {name.lower(): value for name, value in pairs(header, ":", "--header").items()}
        known = {"cf-connecting-ip": ip, "cf-ipcountry": country}
        headers |= {name: value for name, value in known.items() if value}
        if cookie:
            headers["cookie"] = "; ".join([*filter(None, [headers.get("cookie")]), *cookie])
        place = {"country": country, "colo": colo}
        place = {name: value for name, value in place.items() if value} | pairs(cf, "=", "--cf")
        request = Request(
            host or only_host(settings), path, method.upper(), headers, place, https, body
        )
        found = explained(settings, request, down or [], ejected or [], session, moment(at))
    except UsageError as error:
        show_failure(plain_console(stderr=True), error)
        raise typer.Exit(error.code) from None
    if as_json:
        sent = {"method": request.method, "url": request.url}
        typer.echo(json.dumps({"request": sent, **asdict(found)}, indent=2))
    else:
        show(Console(highlight=False), request, found)


def moment(at: str) -> float:
    """An RFC 3339 time in seconds since the epoch; now if none is given."""
    if not at:
        return time.time()
    seconds = seconds_of(at)
    if seconds is None:
        raise UsageError(f"--at: {at} is no time such as 2026-12-01T22:00:00Z")
    return seconds


def pairs(given: Iterable[str] | None, mark: str, option: str) -> dict[str, str]:
    """Names and values of options such as NAME=VALUE."""
    found = {}
    for each in given or ():
        name, marked, value = each.partition(mark)
        if not marked or not name.strip():
            raise UsageError(f"{option}: {each!r} is not NAME{mark}VALUE")
        found[name.strip()] = value.strip()
    return found
