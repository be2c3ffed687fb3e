"""`evenkeel drain --wait`: until an origin's sessions have gone or their time is over."""

from rich.text import Text

from evenkeel.live.client.document import Found, Part, number, origins, report_of
from evenkeel.live.client.polling import Patience
from evenkeel.live.client.session import Session
from evenkeel.output.errors import Exit, Failure, plain
from evenkeel.output.times import span
from lb.base.times import seconds_of

POLL_SECONDS = 5.0
QUIET_SECONDS = 60.0
"""For which its share, that of the last minutes, must be 0: isolates tell it in batches."""


def wait_until_drained(session: Session, found: Found) -> float:
    """Wait; says for how many seconds. Fails if the origin is brought back meanwhile."""
    world, patience = session.world, Patience(session, POLL_SECONDS)
    began = busy_at = world.monotonic()
    with session.err.status(Text(f"Waiting for the sessions of {found.name} ...")) as progress:
        while True:
            origin = patience.look(lambda: _again(session, found))
            if origin is not None:
                if origin.get("share") != 0:  # none is known where nothing has any traffic
                    busy_at = world.monotonic()
                quiet = world.monotonic() - busy_at >= QUIET_SECONDS
                if origin.get("state") != "draining" or quiet:
                    break
                progress.update(Text(_left(found, origin, world.now())))
            patience.pause()
    session.tell(f"{found.name} is drained.", "green")
    return round(world.monotonic() - began, 1)


def _again(session: Session, found: Found) -> Part:
    """The origin as it is now, if it is still switched off."""
    for each in origins(report_of(session)):
        if each.key == found.key:
            if each.origin.get("enabled") is True:
                raise Failure(Exit.NO, f"{found.name} was enabled meanwhile")
            return each.origin
    raise Failure(Exit.NO, f"{found.name} was deleted meanwhile")


def _left(found: Found, origin: Part, now: float) -> str:
    """What is waited for: `primary/server-1 is draining, 4 % of traffic, 12 m 5 s left`."""
    told = [f"{found.name} is draining"]
    share = number(origin.get("share"))
    if share is not None:
        told.append(f"{100 * share:.0f} % of traffic")
    until = origin.get("until")
    end = seconds_of(until) if isinstance(until, str) else None
    if end is not None:
        told.append(f"{span(end - now)} left")
    return plain(", ".join(told))
