"""`evenkeel events`: past changes of health, and new ones with --follow."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from evenkeel.live.client.document import parts, tables
from evenkeel.live.client.polling import Polling
from evenkeel.live.client.session import Session, live
from evenkeel.output.errors import plain
from evenkeel.output.times import clock, moment

PATH = "/client/v4/user/load_balancing_analytics/events"
PER_PAGE = 100
MOST_PAGES = 100
_HEALTH = {True: ("healthy", "green"), False: ("unhealthy", "red"), None: ("unknown", "dim")}


@live
def events(  # noqa: PLR0913 - one for each option of the command
    session: Session,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new events too, until Ctrl-C.")
    ] = False,
    number: Annotated[
        int, typer.Option("--number", "-n", help="Number of the latest events.", min=0)
    ] = 20,
    since: Annotated[
        str, typer.Option(help="Earliest time: 30m, 2h, 3d, or 2026-12-01T22:00:00Z.")
    ] = "",
    until: Annotated[str, typer.Option(help="Latest time, as above.")] = "",
    pool: Annotated[str, typer.Option(help="Only events of this pool.")] = "",
    origin: Annotated[str, typer.Option(help="Only events of this origin.")] = "",
    interval: Annotated[
        float, typer.Option(help="Seconds between two requests of --follow.", min=1, max=3600)
    ] = 5.0,
) -> None:
    """Print when pools and origins became unhealthy or healthy, were disabled or enabled.

    With --json, each event is one line of JSON, with the keys of Cloudflare's API.
    """
    now = session.host.now()
    asked = {
        "since": moment(since, now, "--since") if since else "",
        "until": moment(until, now, "--until") if until else "",
        "pool_name": pool,
        "origin_name": origin,
    }
    query = {key: each for key, each in asked.items() if each}
    latest = _latest(session, query, number)
    for event in latest:
        _print(session, event)
    if follow:
        # New events are found by their growing ids, so clocks need not agree.
        newest = latest or list(islice(_newest_first(session, query), 0 if number else 1))
        Following(session, query, newest).run(interval)
    elif not latest and not session.as_json:
        session.report("No events.")


def _latest(session: Session, query: Mapping[str, str], number: int) -> list[dict[str, Any]]:
    """The newest events, in order of time."""
    return list(islice(_newest_first(session, query), number))[::-1]


def _newest_first(session: Session, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """All events of the query, page by page, each once."""
    seen: set[int] = set()
    for page in range(1, MOST_PAGES + 1):
        paging = {"page": str(page), "per_page": str(PER_PAGE)}
        reply = session.wire.get(PATH, {**query, **paging})
        events = [each for each in tables(reply.result) if _id(each) not in seen]
        seen.update(map(_id, events))
        yield from sorted(events, key=_id, reverse=True)
        if page >= reply.pages or not events:
            return


def _id(event: Mapping[str, Any]) -> int:
    number = event.get("id")
    return number if isinstance(number, int) else 0


class Following:
    """Polls for events, and prints the new ones."""

    def __init__(
        self, session: Session, query: Mapping[str, str], known: list[dict[str, Any]]
    ) -> None:
        """`known` events have been printed; the last one is the newest."""
        self._session = session
        self._query = dict(query)
        self._last = 0
        for event in known[-1:]:
            self._seen(event)

    def run(self, interval: float) -> None:
        """Poll until Ctrl-C."""
        polling = Polling(self._session, interval)
        try:
            while True:
                polling.pause()
                polling.poll(self._print_new)
        except KeyboardInterrupt:
            self._session.report("")

    def _print_new(self) -> None:
        new = []
        for event in _newest_first(self._session, self._query):
            if _id(event) <= self._last:
                break
            new.append(event)
        for event in reversed(new):
            _print(self._session, event)
            self._seen(event)

    def _seen(self, event: Mapping[str, Any]) -> None:
        self._last = max(self._last, _id(event))
        if isinstance(event.get("timestamp"), str):
            # Inclusive, as another event may have the same time.
            self._query["since"] = event["timestamp"]


def _print(session: Session, event: dict[str, Any]) -> None:
    if session.as_json:
        typer.echo(json.dumps(event, separators=(",", ":")))
        return
    for line in lines(event):
        session.out.print(line)


def lines(event: dict[str, Any]) -> Iterator[Text]:
    """A line for the pool and each of its origins, if it has changed."""
    at = clock(event.get("timestamp"))
    pool = event.get("pool")
    if not isinstance(pool, dict):
        return
    name = plain(pool.get("name", ""))
    if pool.get("changed") is True:
        yield _line(at, f"pool {name}", pool)
    for each in parts(event, "origins"):
        if each.get("changed") is True:
            yield _line(at, f"origin {name}/{plain(each.get('name', ''))}", each)


def _line(at: str, name: str, one: Mapping[str, Any]) -> Text:
    healthy = one.get("healthy")
    state, colour = _HEALTH[healthy if isinstance(healthy, bool) else None]
    if one.get("enabled") is False:
        state, colour = "disabled", "yellow"
    line = Text.assemble((at, "dim"), "  ", (name, "bold"), "  ", (state, colour))
    cause = one.get("failure_reason")
    if one.get("healthy") is False and cause:
        line.append(f"  {plain(cause)}")
    return line
