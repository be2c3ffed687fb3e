"""`evenkeel drain`, `enable`, `disable` and `weight`: actions on one origin."""

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
        help="POOL/ORIGIN, or ORIGIN if the name is unique.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Adopt = Annotated[
    bool, typer.Option("--adopt", help="Adopt the objects of the deployed file if needed.")
]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="Wait until its sessions have ended or drain_duration is over."),
]


@live
def drain(
    session: Session, origin: Named, *, wait: Wait = False, yes: Yes = False, adopt: Adopt = False
) -> None:
    """Send an origin no new traffic; its sessions may go on for drain_duration.

    With --json: {"version", "changed", "origin", "waited"}; the origin is as in the status.
    """
    report = report_of(session)
    found = origin_named(report, origin)
    _ask_if_last(session, report, found, yes=yes)
    reply = _act(session, found, {"action": "drain"}, adopt=adopt)
    if not session.as_json:
        _print(session, found, reply, "takes no new traffic")
    waited = wait_until_drained(session, found) if wait else None
    if session.as_json:
        session.json({**_outcome(reply), **({} if waited is None else {"waited": waited})})


@live
def disable(session: Session, origin: Named, *, yes: Yes = False, adopt: Adopt = False) -> None:
    """Take an origin out at once, with its sessions.

    With --json: {"version", "changed", "origin"}; the origin is as in the status.
    """
    report = report_of(session)
    found = origin_named(report, origin)
    _ask_if_last(session, report, found, yes=yes)
    _finish(session, found, _act(session, found, {"action": "disable"}, adopt=adopt), "is disabled")


@live
def enable(session: Session, origin: Named, *, adopt: Adopt = False) -> None:
    """Bring a drained or disabled origin back.

    With --json: {"version", "changed", "origin"}; the origin is as in the status.
    """
    found = origin_named(report_of(session), origin)
    _finish(session, found, _act(session, found, {"action": "enable"}, adopt=adopt), "is enabled")


@live
def weight(
    session: Session,
    origin: Named,
    value: Annotated[
        float | None,
        typer.Argument(
            metavar="VALUE",
            help="New weight, 0 to 1; 0 = no new traffic. Without it, print the present one.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    *,
    yes: Yes = False,
    adopt: Adopt = False,
) -> None:
    """Print or set an origin's weight: its share within its pool, relative to other weights.

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
    _finish(session, found, reply, f"has weight {value:g}")


def _ask_if_last(session: Session, report: dict[str, Any], found: Found, *, yes: bool) -> None:
    """Ask before a load balancer loses its last origin that takes traffic."""
    alone = left_without(report, found) if found.origin.get("takes_new") is True else []
    if not alone:
        return
    names = ", ".join(alone)
    session.report(f"No other origin takes traffic for {names} now.", "yellow")
    if not session.agreed(f"Take out {found.name} anyway?", yes=yes):
        raise Failure(Exit.NO, "nothing was changed")


def _act(session: Session, found: Found, what: dict[str, Any], *, adopt: bool) -> Reply:
    """Send the action; objects of the deployed file are adopted first, if the user agrees."""
    pool, origin = found.key
    body = {"pool": pool, "origin": origin, **what}
    try:
        return session.wire.post("/actions", body)
    except Refused as refused:
        if not wants_adoption(refused):
            raise
        if not adopt and not session.host.has_user():
            refused.hints = ("With --adopt, they are adopted first.",)
            raise
    session.report(f"{found.name} is defined in the deployed file, so it cannot be changed here.")
    adopt_all(session, yes=adopt, quiet=True)
    return session.wire.post("/actions", body)


def _finish(session: Session, found: Found, reply: Reply, what: str) -> None:
    if session.as_json:
        session.json(_outcome(reply))
    else:
        _print(session, found, reply, what)


def _print(session: Session, found: Found, reply: Reply, what: str) -> None:
    session.notes(reply)
    outcome = _outcome(reply)
    if outcome["changed"] is False:
        session.out.print(Text(f"{found.name} {what} already."))
    else:
        session.out.print(Text(f"{found.name} {what}: version {outcome['version']}.", "green"))


def _outcome(reply: Reply) -> dict[str, Any]:
    """The version, whether anything was changed, and the present origin."""
    result = reply.result if isinstance(reply.result, dict) else {}
    return {key: result.get(key) for key in ("version", "changed", "origin")}
