"""`evenkeel drain`, `enable`, `disable` and `weight`: one origin, at once."""

from typing import Annotated, Any

import typer
from rich.text import Text

from evenkeel.live.client.answers import Refused, Reply
from evenkeel.live.client.document import Found, left_without, origin_named, report_of
from evenkeel.live.client.session import Session, live
from evenkeel.live.commands.adopt import adopt_all, wants_adoption
from evenkeel.live.commands.draining import wait_until_drained
from evenkeel.output.errors import Exit, Failure

Named = Annotated[
    str,
    typer.Argument(
        metavar="ORIGIN",
        help="POOL/ORIGIN, or ORIGIN where only one has that name.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without a question.")]
Adopt = Annotated[
    bool, typer.Option("--adopt", help="Adopt what the deployed file defines, if need be.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until its sessions have gone or their time is over.")
]


@live
def drain(
    session: Session, origin: Named, *, wait: Wait = False, yes: Yes = False, adopt: Adopt = False
) -> None:
    """Send an origin nothing new; the sessions that it has may go on for drain_duration.

    With --json: {"version", "changed", "origin", "waited"}; the origin is as in the status.
    """
    report = report_of(session)
    found = origin_named(report, origin)
    _ask_if_last(session, report, found, yes=yes)
    reply = _act(session, found, {"action": "drain"}, adopt=adopt)
    if not session.as_json:
        _say(session, found, reply, "takes nothing new")
    waited = wait_until_drained(session, found) if wait else None
    if session.as_json:
        session.json({**_outcome(reply), **({} if waited is None else {"waited": waited})})


@live
def disable(session: Session, origin: Named, *, yes: Yes = False, adopt: Adopt = False) -> None:
    """Take an origin out at once, with the sessions that it has.

    With --json: {"version", "changed", "origin"}; the origin is as in the status.
    """
    report = report_of(session)
    found = origin_named(report, origin)
    _ask_if_last(session, report, found, yes=yes)
    _tell(session, found, _act(session, found, {"action": "disable"}, adopt=adopt), "is disabled")


@live
def enable(session: Session, origin: Named, *, adopt: Adopt = False) -> None:
    """Bring an origin back that was drained or disabled.

    With --json: {"version", "changed", "origin"}; the origin is as in the status.
    """
    found = origin_named(report_of(session), origin)
    _tell(session, found, _act(session, found, {"action": "enable"}, adopt=adopt), "is enabled")


@live
def weight(
    session: Session,
    origin: Named,
    value: Annotated[
        float | None,
        typer.Argument(
            metavar="VALUE",
            help="The new weight: 0 to 1; 0 takes nothing new. Without it: say what it is.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    *,
    yes: Yes = False,
    adopt: Adopt = False,
) -> None:
    """Show or set an origin's weight: its share within its pool, next to the others' weights.

    With --json: {"version", "changed", "origin"}; the origin is as in the status.
    """
    report = report_of(session)
    found = origin_named(report, origin)
    if value is None:
        if session.as_json:
            session.json({"version": report.get("version"), "origin": found.origin})
        else:
            session.out.print(Text(f"{found.origin.get('weight')}"))
        return
    if value == 0:
        _ask_if_last(session, report, found, yes=yes)
    reply = _act(session, found, {"action": "weight", "weight": value}, adopt=adopt)
    _tell(session, found, reply, f"has weight {value:g}")


def _ask_if_last(session: Session, report: dict[str, Any], found: Found, *, yes: bool) -> None:
    """Ask before a load balancer is left with nothing that takes traffic."""
    alone = left_without(report, found) if found.origin.get("takes_new") is True else []
    if not alone:
        return
    names = ", ".join(alone)
    session.tell(f"Nothing else takes traffic for {names} at this moment.", "yellow")
    if not session.agreed(f"Take out {found.name} all the same?", yes=yes):
        raise Failure(Exit.NO, "nothing was changed")


def _act(session: Session, found: Found, what: dict[str, Any], *, adopt: bool) -> Reply:
    """Do it; an object of the deployed file is adopted first, if that is wanted."""
    pool, origin = found.key
    body = {"pool": pool, "origin": origin, **what}
    try:
        return session.wire.post("/actions", body)
    except Refused as refused:
        if not wants_adoption(refused):
            raise
        if not adopt and not session.world.has_person():
            refused.hints = ("--adopt adopts first, and then does it.",)
            raise
    session.tell(f"{found.name} is defined by the deployed file, and so cannot be changed here.")
    adopt_all(session, yes=adopt, quiet=True)
    return session.wire.post("/actions", body)


def _tell(session: Session, found: Found, reply: Reply, what: str) -> None:
    if session.as_json:
        session.json(_outcome(reply))
    else:
        _say(session, found, reply, what)


def _say(session: Session, found: Found, reply: Reply, what: str) -> None:
    session.notes(reply)
    outcome = _outcome(reply)
    if outcome["changed"] is False:
        session.out.print(Text(f"{found.name} {what} already."))
    else:
        session.out.print(Text(f"{found.name} {what}: version {outcome['version']}.", "green"))


def _outcome(reply: Reply) -> dict[str, Any]:
    """The version, whether anything had to be done, and the origin as it is now."""
    result = reply.result if isinstance(reply.result, dict) else {}
    return {key: result.get(key) for key in ("version", "changed", "origin")}
