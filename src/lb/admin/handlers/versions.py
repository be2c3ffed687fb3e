"""What operators do with the whole configuration: versions, adoption, a document, an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from lb.admin.calls import Answer, Fault, Note, Refusal, Result, refused
from lb.base.stored_json import parsed
from lb.base.times import rfc3339
from lb.catalog.applying import adopted, applied, other_settings
from lb.catalog.export import exported
from lb.catalog.merging import pointer_of, settings_in
from lb.catalog.store import Changed, Rejected
from lb.config import Invalid, parse

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext
    from lb.catalog.changes import Change
    from lb.catalog.effective import Stored
    from lb.catalog.store import ConfigStore, Version

INVALID = 1002
"""Cloudflare's code for what does not pass validation."""
GONE = 1001
CHANGED_MEANWHILE = 1006
DEPLOYED = 1100
"""A note: some things come with a deployment alone."""

TOML = "application/toml; charset=utf-8"
"""RFC 9618."""


def versions(context: HandlerContext, call: Call) -> Result | Refusal:
    """Answer `/versions`, `/versions/N` and `/versions/N/rollback`."""
    store = context.store
    steps = call.path.strip("/").split("/")[1:]
    if not steps and call.method == "GET":
        return Result(result=[_version(store, one) for one in store.versions()])
    number = int(steps[0]) if steps and steps[0].isdecimal() and len(steps[0]) < 10 else -1
    found = next((one for one in store.versions() if one.version == number), None)
    if steps[1:] == ["rollback"] and call.method == "POST":
        return _rollback(context, call, number)
    if len(steps) != 1 or call.method != "GET":
        return refused(405, 10405, f"{call.method} is not possible here")
    if found is None:
        return refused(404, GONE, f"version {steps[0][:20]} is not kept; GET /versions lists those")
    return Result(
        result={**_version(store, found), "changes": _changes(store.changed_by(number) or ())}
    )


def adopt(context: HandlerContext, call: Call) -> Result | Refusal:
    """Take the file's objects over: from then on they are changed here, and not by deployments."""
    if call.method != "POST":
        return refused(405, 10405, "POST adopts the objects of the file")
    store = context.store
    taken = [one for one in store.catalog.objects.values() if one.read_only]
    if not store.adopted:
        note = f"adopt {len(taken)} objects of the file"
        said = _replaced(context, call, adopted(store.catalog, context.clock()), note=note)
        if isinstance(said, Refusal):
            return said
    result = [{"kind": one.kind.value, "name": one.name, "id": one.id} for one in taken]
    return Result(result={"version": store.version, "adopted": result})


def apply(context: HandlerContext, call: Call) -> Result | Refusal:
    """Put a whole document in the place of every object, or say what that would change.

    The body is a configuration in the shape of loadbalancer.toml, as JSON. From then on the file
    is not read: `adopts` says that this is what the call itself brings about.
    """
    if call.method != "POST":
        return refused(405, 10405, "POST applies a configuration")
    store = context.store
    document = parsed(call.body)
    if not isinstance(document, dict):
        return refused(400, INVALID, "the body must be a configuration as a JSON object")
    reading = parse(document, short_sessions=store.effective.short_sessions)
    if isinstance(reading, Invalid):
        faults = (
            Fault(code=INVALID, message=str(one), pointer=pointer_of(one.path[1:]))
            for one in reading.problems
        )
        return Refusal(status=400, faults=tuple(faults))
    notes = tuple(
        Note(code=DEPLOYED, message=f"{key} comes with a deployment alone: it stays as it is")
        for key in other_settings(document, store.effective.made.document)
    )
    state = applied(store.catalog, document, context.clock())
    dry_run = parse_qs(call.query).get("dry_run", [""])[-1].lower() in {"1", "true"}
    adopts = not store.adopted
    said = _replaced(context, call, state, dry_run=dry_run)
    if isinstance(said, Refusal):
        return said
    return Result(
        result={
            "version": said.version,
            "changes": _changes(said.changes),
            "applied": not dry_run,
            "adopts": adopts,
        },
        notes=notes,
    )


def export(context: HandlerContext, call: Call) -> Answer | Refusal:
    """Answer with the configuration as the text of a loadbalancer.toml."""
    if call.method not in {"GET", "HEAD"}:
        return refused(405, 10405, "GET exports the configuration")
    serving = context.store.effective
    settings = settings_in(serving.made.document)
    text = exported(serving.catalog, settings, short_sessions=serving.short_sessions)
    return Answer(body=text, content_type=TOML, version=context.store.version)


def _rollback(context: HandlerContext, call: Call, number: int) -> Result | Refusal:
    state = context.store.stored(number) if number >= 0 else None
    if state is None:
        return refused(404, GONE, "that version is not kept; GET /versions lists those that are")
    said = _replaced(context, call, state, note=f"roll back to version {number}")
    if isinstance(said, Refusal):
        return said
    return Result(result={"version": said.version, "changes": _changes(said.changes)})


def _replaced(
    context: HandlerContext, call: Call, state: Stored, *, note: str = "", dry_run: bool = False
) -> Changed | Refusal:
    store = context.store
    if call.if_match.strip('"') not in {"", "*", str(store.version)}:
        message = f"the configuration has changed meanwhile: it is version {store.version} now"
        return refused(412, CHANGED_MEANWHILE, message)
    said = store.replace(state, author=call.author, now=context.clock(), note=note, dry_run=dry_run)
    if isinstance(said, Rejected):
        faults = (Fault(code=INVALID, message=each.sentence) for each in said.wrong)
        return Refusal(status=400, faults=tuple(faults))
    return said


def _version(store: ConfigStore, one: Version) -> dict[str, Any]:
    return {
        "version": one.version,
        "at": rfc3339(one.at),
        "author": one.author,
        "summary": one.summary,
        "current": one.version == store.version,
    }


def _changes(made: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [one.to_dict() for one in made]
