"""`evenkeel versions` and `evenkeel rollback`: past configurations, and the way back."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from evenkeel.live.client.document import tables
from evenkeel.live.client.session import Session, live
from evenkeel.live.commands.changes import changes_of, show
from evenkeel.output.errors import Exit, Failure, UsageError, plain
from evenkeel.output.tables import grid
from evenkeel.output.times import clock

SHOWN = 20
"""Most versions that are printed without --all."""
FILE = 0
"""The version of the deployed file, before any change. It is in no list."""


@live
def versions(
    session: Session,
    version: Annotated[
        int | None,
        typer.Argument(help="Version whose changes to print.", show_default=False, min=0),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help=f"Print all versions, not only the latest {SHOWN}.")
    ] = False,
) -> None:
    """Print the versions of the configuration, or the changes of one."""
    if version is None:
        _list(session, listed(session), everything=everything)
    else:
        _one(session, version)


def listed(session: Session) -> list[dict[str, Any]]:
    """All versions, newest first."""
    result = session.wire.get("/versions").result
    found = [each for each in tables(result) if _is_one(each)]
    return sorted(found, key=lambda each: int(each["version"]), reverse=True)


def _is_one(version: dict[str, Any]) -> bool:
    return isinstance(version.get("version"), int)


def _list(session: Session, found: list[dict[str, Any]], *, everything: bool) -> None:
    if session.as_json:
        session.json(found)
        return
    if not found:
        session.report("No versions yet: nothing has been changed since the deployment.")
        return
    session.out.print(table(found if everything else found[:SHOWN]))
    if not everything and len(found) > SHOWN:
        session.report(f"and {len(found) - SHOWN} earlier ones: --all prints them", "dim")


def table(found: Iterable[dict[str, Any]]) -> Table:
    """Versions as rows, the current one marked."""
    rows = grid()
    for each in found:
        current = each.get("current") is True
        rows.add_row(
            Text(str(each["version"]), "bold" if current else ""),
            Text("current" if current else "", "green"),
            Text(clock(each.get("at")), "dim"),
            Text(plain(each.get("author", ""))),
            Text(plain(each.get("summary", ""))),
        )
    return rows


def _one(session: Session, version: int) -> None:
    result = session.wire.get(f"/versions/{version}").result
    if session.as_json:
        session.json(result)
        return
    if isinstance(result, dict) and _is_one(result):
        session.out.print(table([result]))
    changes = changes_of(result)
    if changes:
        show(session.out, changes)
    else:
        session.report("No changes.")


@live
def rollback(
    session: Session,
    version: Annotated[
        int | None,
        typer.Argument(
            help="Version to go back to; 0 = the deployed file. Default: the one before.",
            show_default=False,
            min=0,
        ),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Restore the configuration of an earlier version.

    This makes a new version, so a rollback can be undone too.
    """
    found = listed(session)
    numbers = [int(each["version"]) for each in found]
    current = next((n for n, each in zip(numbers, found, strict=True) if each.get("current")), None)
    if current is None:
        raise Failure(Exit.NO, "nothing has been changed yet, so there is no version to go back to")
    earlier = [number for number in numbers if number < current]
    target = version if version is not None else max(earlier, default=FILE)
    if target not in {*numbers, FILE}:
        shown = ", ".join(map(str, [*numbers[:SHOWN], FILE]))
        raise UsageError(f"there is no version {target}; versions: {shown}")
    if target == current:
        raise UsageError(f"version {target} is the current one")
    then = "the deployed file" if target == FILE else f"version {target}"
    undone = [each for each in found if target < int(each["version"]) <= current]
    if undone:
        session.report(f"Rolling back to {then} undoes:")
        session.err.print(table(undone))
    if not session.agreed(f"Roll back to {then}?", yes=yes):
        raise Failure(Exit.NO, "nothing was changed")
    reply = session.wire.post(f"/versions/{target}/rollback", None, if_match=current)
    session.notes(reply)
    if session.as_json:
        session.json(reply.result)
    else:
        done(session, reply.result, f"Rolled back to {then}", current)


def done(session: Session, result: object, what: str, before: int | None) -> None:
    """Print the current version, and how to undo the change."""
    now = result.get("version") if isinstance(result, dict) else None
    session.out.print(Text(f"{what}: version {now}.", "green"))
    if before is not None and before != now:
        session.out.print(Text(f"To undo: evenkeel rollback {before}", "dim"))
