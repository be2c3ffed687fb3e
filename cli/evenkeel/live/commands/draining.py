"""`evenkeel drain --wait`: waits until an origin has no sessions or drain_duration is over."""

from rich.text import Text

from evenkeel.live.client.document import Found, Part, number, origins, report_of
from evenkeel.live.client.polling import Polling
from evenkeel.live.client.session import Session
from evenkeel.output.errors import Exit, Failure, plain
from evenkeel.output.times import span
from lb.base.times import seconds_of

POLL_SECONDS = 5.0
QUIET_SECONDS = 60.0
"""Seconds for which its share of traffic must be 0; isolates report it in batches."""


def wait_until_drained(session: Session, found: Found) -> float:
    """Wait, and return the seconds; Failure if the origin is enabled or deleted meanwhile."""
    host, polling = session.host, Polling(session, POLL_SECONDS)
    began = busy_at = host.monotonic()
    with session.err.status(Text(f"Waiting for the sessions of {found.name} ...")) as progress:
        while True:
            origin = polling.poll(lambda: _again(session, found))
            if origin is not None:
                if origin.get("share") != 0:  # absent if no origin has traffic
                    busy_at = host.monotonic()
                quiet = host.monotonic() - busy_at >= QUIET_SECONDS
                if origin.get("state") != "draining" or quiet:
                    break
                progress.update(Text(_left(found, origin, host.now())))
            polling.pause()
    session.report(f"{found.name} is drained.", "green")
    return round(host.monotonic() - began, 1)


def _again(session: Session, found: Found) -> Part:
    """The present origin; Failure if it is no longer drained."""
    for each in origins(report_of(session)):
        if each.key == found.key:
            if each.origin.get("enabled") is True:
                raise Failure(Exit.NO, f"{found.name} was enabled meanwhile")
            return each.origin
    raise Failure(Exit.NO, f"{found.name} was deleted meanwhile")


def _left(found: Found, origin: Part, now: float) -> str:
    """The progress: `primary/server-1 is draining, 4 % of traffic, 12 m 5 s left`."""
    words = [f"{found.name} is draining"]
    share = number(origin.get("share"))
    if share is not None:
        words.append(f"{100 * share:.0f} % of traffic")
    until = origin.get("until")
    end = seconds_of(until) if isinstance(until, str) else None
    if end is not None:
        words.append(f"{span(end - now)} left")
    return plain(", ".join(words))
