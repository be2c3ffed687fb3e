"""Objects that a request can see, and their changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from lb.admin.api.resources import BY_KIND
from lb.admin.calls import Fault, Note, Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.refusals import from_file
from lb.catalog.managed import Kind, Managed
from lb.catalog.references import renamed
from lb.catalog.store import Referenced, Rejected
from lb.config import Problem
from lb.config.doubts import notes_of
from lb.model import SecretName
from lb.model.header_secrets import how_to_store, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.admin.api.request import ApiRequest
    from lb.admin.api.resources import Resource
    from lb.catalog.managed import Catalog
    from lb.catalog.store import Wrong

_MOST_NOTES = 100


class VisibleObjects:
    """The catalog as one request sees it."""

    def __init__(self, request: ApiRequest) -> None:
        self._request = request
        self.store = request.context.store

    @property
    def catalog(self) -> Catalog:
        """Every object, of any owner."""
        return self.store.catalog

    def seen(self, resource: Resource) -> Iterator[Managed]:
        """Yield the objects of a kind that belong to the request's owner, and the file's."""
        return (one for one in self.catalog.of(resource.kind) if self._request.sees(one.scope))

    def found(self, resource: Resource) -> Iterator[Managed]:
        """Yield the objects of a kind that a search covers: also those of any zone."""
        return (
            one
            for one in self.catalog.of(resource.kind)
            if self._request.sees(one.scope) or one.scope.startswith("zones/")
        )

    def find(self, resource: Resource) -> Managed | None:
        """Return the object that the path names, if it is visible."""
        wanted = self._request.identifier
        return next((one for one in self.seen(resource) if one.id == wanted), None)

    def new_id(self) -> str:
        """Return an unused id: 32 hexadecimal digits."""
        context = self._request.context
        drawn = "/".join(repr(context.chance()) for _ in range(4))
        ids = (
            hashlib.sha256(f"{drawn}/{context.clock()!r}/{each}".encode()).hexdigest()[:32]
            for each in count()
        )
        return next(one for one in ids if one not in self.catalog.objects)

    def put(self, one: Managed) -> Result | Refusal:
        """Store an object and return it."""
        one = replace(one, document=renamed(one.kind, one.document, self._id_of))
        before = self.catalog.objects.get(one.id)
        if before is not None and _content(before) == _content(one):
            # At most defaults are spelled out now, which changes nothing.
            return self.show(before)
        conflict = self._name_conflict(one)
        if conflict is not None:
            return conflict
        outcome = self._change(puts=(one,))
        if isinstance(outcome, Refusal):
            return outcome
        return self.show(self.catalog.objects[one.id])

    def put_all(self, several: tuple[Managed, ...]) -> Refusal | None:
        """Store several objects of one kind."""
        outcome = self._change(puts=several)
        return outcome if isinstance(outcome, Refusal) else None

    def delete(self, one: Managed) -> Result | Refusal:
        """Delete an object that nothing refers to."""
        resource = BY_KIND[one.kind]
        outcome = self._change(deletes=(one.id,))
        if isinstance(outcome, Refusal):
            return outcome
        return Result(result=shown(one) if resource.deleted_whole else {"id": one.id})

    def show(self, one: Managed) -> Result:
        """Return an object with its notes and its ETag."""
        return Result(result=shown(one), notes=self._notes(one), headers=(("ETag", etag(one)),))

    def refused_change(self, one: Managed) -> Refusal | None:
        """Return why this request cannot change an object; None when it can."""
        if one.read_only:
            return from_file(BY_KIND[one.kind].word)
        wanted = self._request.call.if_match
        known = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        if wanted and not known & {"*", etag(one)}:
            return refused(
                412, Code.CHANGED, "somebody has changed it since: read it again, then change that"
            )
        return None

    def _change(
        self, puts: tuple[Managed, ...] = (), deletes: tuple[str, ...] = ()
    ) -> Refusal | None:
        context, author = self._request.context, self._request.call.author
        outcome = self.store.change(puts, deletes, author=author, now=context.clock())
        if isinstance(outcome, Referenced):
            names = ", ".join(
                f"{BY_KIND[each.kind].word} {BY_KIND[each.kind].name_of(each) or each.id}"
                for users in outcome.by.values()
                for each in users[:5]
            )
            # Tools look for the first part, which is Cloudflare's own.
            message = f"This object is referenced by other objects, delete them first: {names}"
            return refused(412, Code.REFERENCED, message)
        if isinstance(outcome, Rejected):
            own = {one.id for one in puts}
            return Refusal(status=400, faults=tuple(_fault(wrong, own) for wrong in outcome.wrong))
        return None

    def _name_conflict(self, one: Managed) -> Refusal | None:
        """Return the refusal of a name that another object of the kind has."""
        name = one.document.get("name")
        if not isinstance(name, str):
            return None
        for other in self.catalog.of(one.kind):
            if other.id != one.id and other.name.lower() == name.lower():
                message = f"a {BY_KIND[one.kind].word} has this name already ({other.id})"
                hint = ", in the configuration file" if other.read_only else ""
                return refused(400, Code.NOT_UNIQUE, f"{message}{hint}: names are unique", "/name")
        return None

    def _id_of(self, kind: Kind, reference: str) -> str:
        """Return the id that a reference stands for, which may be a name: the API has only ids."""
        if reference in self.catalog.objects:
            return reference
        named = self.catalog.named(kind, reference)
        return reference if named is None else named.id

    def _notes(self, one: Managed) -> tuple[Note, ...]:
        """Return notes on the fields of an object that have no effect, or surely a wrong one."""
        serving = self.store.effective
        config = serving.config
        notes = []
        for path, reason in () if config is None else notes_of(serving.made.document, config):
            at = Problem(path, reason)
            owner = serving.made.owner(at)
            if owner is not None and owner.id == one.id:
                pointer = serving.made.pointer(at)
                notes.append(without_effect(pointer, reason))
        for pointer, named in header_secrets(one.document):
            problem = problem_of(named, self._request.context.secret)
            if problem:
                notes.append(without_effect(pointer, f"{problem}; {how_to_store(named.name)}"))
        return tuple(notes[:_MOST_NOTES])


def header_secrets(document: Mapping[str, Any]) -> Iterator[tuple[str, SecretName]]:
    """Yield the secrets that headers of an object name, each with its JSON pointer."""
    edits = document.get("request_headers")
    edited = edits.get("set") if isinstance(edits, Mapping) else None
    for path, headers in (("/request_headers/set", edited), ("/header", document.get("header"))):
        for header, values in headers.items() if isinstance(headers, Mapping) else ():
            for value in values if isinstance(values, list) else [values]:
                name = value.get("secret") if isinstance(value, Mapping) else None
                if isinstance(name, str):
                    yield f"{path}/{header.replace('~', '~0')}", SecretName(name)


def shown(one: Managed) -> dict[str, Any]:
    """Return an object as callers see it."""
    return {"id": one.id, **BY_KIND[one.kind].shown(one.document)}


def without_effect(pointer: str, reason: str) -> Note:
    """Return the note on a field that is kept and has no effect."""
    message = f"{pointer.removeprefix('/').replace('/', '.')}: {reason}"
    return Note(code=Code.NO_EFFECT, message=message, pointer=pointer)


def _content(one: Managed) -> str:
    """Return an object as callers see it, without the time of its latest change."""
    content = {key: value for key, value in shown(one).items() if key != "modified_on"}
    return json.dumps(content, sort_keys=True)


def etag(one: Managed) -> str:
    """Return the entity tag of an object (RFC 9110, 8.8.3)."""
    text = json.dumps(shown(one), sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _fault(wrong: Wrong, own: set[str]) -> Fault:
    """Return a fault with its pointer into the body; one of another object names that object."""
    if wrong.owner is not None and wrong.owner.id not in own:
        return Fault(code=Code.INVALID, message=f"{wrong.sentence}: validation failed")
    code = Code.NOT_UNIQUE if wrong.taken else Code.INVALID
    key = wrong.pointer.removeprefix("/").replace("/", ".")
    message = f"{key}: {wrong.message}" if key else wrong.message
    return Fault(code=code, message=f"{message}: validation failed", pointer=wrong.pointer)
