"""Handlers of the whole configuration: versions, adoption, a document, an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from lb.admin.calls import SAFE, Answer, Fault, Note, Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.refusals import impossible, wrong_method
from lb.base.stored_json import parsed
from lb.base.times import rfc3339
from lb.catalog.applying import adopted, applied, other_settings
from lb.catalog.export import exported
from lb.catalog.merging import pointer_of, settings_in
from lb.catalog.store import Changed, Rejected
from lb.config import Invalid, Problem, parse
from lb.config.doubts import notes_of

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext
    from lb.catalog.changes import Change
    from lb.catalog.effective import Stored
    from lb.catalog.store import ConfigStore, Version

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
        return impossible(call.method)
    if found is None:
        message = f"version {steps[0][:20]} is not kept; GET /versions lists those"
        return refused(404, Code.NOT_FOUND, message)
    return Result(
        result={**_version(store, found), "changes": _changes(store.changed_by(number) or ())}
    )


def adopt(context: HandlerContext, call: Call) -> Result | Refusal:
    """Copy the file's objects into the store: from then on calls change them, not deployments."""
    if call.method != "POST":
        return wrong_method("POST adopts the objects of the file")
    store = context.store
    taken = [one for one in store.catalog.objects.values() if one.read_only]
    if not store.adopted:
        note = f"adopt {len(taken)} objects of the file"
        outcome = _replaced(context, call, adopted(store.catalog, context.clock()), note=note)
        if isinstance(outcome, Refusal):
            return outcome
    result = [{"kind": one.kind.value, "name": one.name, "id": one.id} for one in taken]
    return Result(result={"version": store.version, "adopted": result})


def apply(context: HandlerContext, call: Call) -> Result | Refusal:
    """Replace every object by those of a document; `?dry_run=true` only says what would change.

    The body is a configuration in the shape of loadbalancer.toml, as JSON. From then on the file
    is not read; `adopts` is true where this call is the reason.
    """
    if call.method != "POST":
        return wrong_method("POST applies a configuration")
    store = context.store
    document = parsed(call.body)
    if not isinstance(document, dict):
        return refused(400, Code.INVALID, "the body must be a configuration as a JSON object")
    reading = parse(document, short_sessions=store.effective.short_sessions)
    if isinstance(reading, Invalid):
        faults = (
            Fault(code=Code.INVALID, message=str(one), pointer=pointer_of(one.path[1:]))
            for one in reading.problems
        )
        return Refusal(status=400, faults=tuple(faults))
    notes = (
        *(
            Note(
                code=Code.NO_EFFECT,
                message=f"{key} comes with a deployment alone: it stays as it is",
            )
            for key in other_settings(document, store.effective.made.document)
        ),
        *(
            Note(
                code=Code.NO_EFFECT,
                message=str(Problem(path, reason)),
                pointer=pointer_of(path[1:]),
            )
            for path, reason in notes_of(document, reading)
        ),
    )
    state = applied(store.catalog, document, context.clock())
    dry_run = parse_qs(call.query).get("dry_run", [""])[-1].lower() in {"1", "true"}
    adopts = not store.adopted
    outcome = _replaced(context, call, state, dry_run=dry_run)
    if isinstance(outcome, Refusal):
        return outcome
    return Result(
        result={
            "version": outcome.version,
            "changes": _changes(outcome.changes),
            "applied": not dry_run,
            "adopts": adopts,
        },
        notes=notes,
    )


def export(context: HandlerContext, call: Call) -> Answer | Refusal:
    """Answer with the configuration as the text of a loadbalancer.toml."""
    if call.method not in SAFE:
        return wrong_method("GET exports the configuration")
    serving = context.store.effective
    settings = settings_in(serving.made.document)
    text = exported(serving.catalog, settings, short_sessions=serving.short_sessions)
    return Answer(body=text, content_type=TOML, version=context.store.version)


def _rollback(context: HandlerContext, call: Call, number: int) -> Result | Refusal:
    state = context.store.stored(number) if number >= 0 else None
    if state is None:
        message = "that version is not kept; GET /versions lists those that are"
        return refused(404, Code.NOT_FOUND, message)
    outcome = _replaced(context, call, state, note=f"roll back to version {number}")
    if isinstance(outcome, Refusal):
        return outcome
    return Result(result={"version": outcome.version, "changes": _changes(outcome.changes)})


def _replaced(
    context: HandlerContext, call: Call, state: Stored, *, note: str = "", dry_run: bool = False
) -> Changed | Refusal:
    store = context.store
    if call.if_match.strip('"') not in {"", "*", str(store.version)}:
        message = f"the configuration has changed meanwhile: it is version {store.version} now"
        return refused(412, Code.CHANGED, message)
    outcome = store.replace(
        state, author=call.author, now=context.clock(), note=note, dry_run=dry_run
    )
    if isinstance(outcome, Rejected):
        faults = (Fault(code=Code.INVALID, message=each.sentence) for each in outcome.wrong)
        return Refusal(status=400, faults=tuple(faults))
    return outcome


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
