"""`evenkeel apply`: shows the changes of a file, asks, and makes it the configuration."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from evenkeel.check.examination import examine_text
from evenkeel.check.located import Located, read, show_problems
from evenkeel.check.toml_lines import TomlLines
from evenkeel.live.client.answers import Fault, Refused, Reply
from evenkeel.live.client.session import Session, live
from evenkeel.live.commands.adopt import MEANING
from evenkeel.live.commands.changes import changes_of, counted, show
from evenkeel.live.commands.export import as_json
from evenkeel.live.commands.versions import done
from evenkeel.output.errors import Exit, Failure
from lb.config import Problem
from lb.config.reading.problems import Place

_INDEX = re.compile(r"[0-9]{1,6}", re.ASCII)


@live
def apply(
    session: Session,
    file: Annotated[
        Path, typer.Argument(help="A complete configuration, like src/loadbalancer.toml.")
    ],
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit code 1 if there is a difference."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Adopt the objects of the deployed file if needed.")
    ] = False,
) -> None:
    """Make a file the balancer's configuration: show the changes, ask, and apply them.

    The whole file becomes one version, or nothing is changed. Objects that are not in the file are
    deleted. The file is checked first, as by `evenkeel check`.
    """
    application = Application(session, file, yes=yes, adopt=adopt)
    application.prepare()
    if check:
        application.compare()
    else:
        application.carry_out()


class Application:
    """One application of a file."""

    def __init__(self, session: Session, file: Path, *, yes: bool, adopt: bool) -> None:
        self._session = session
        self._file = file
        self._yes = yes
        self._adopt = adopt
        self._text = ""
        self._document: Any = None

    def prepare(self) -> None:
        """Read and check the file, before anything is sent."""
        self._text = read(self._file)
        examined = examine_text(self._text, self._file)
        if isinstance(examined, tuple):
            show_problems(self._session.err, examined)
            raise Failure(Exit.NO, "nothing was sent: the file has problems")
        self._document = as_json(tomllib.loads(self._text))

    def compare(self) -> None:
        """Print the changes; Failure if there are any."""
        result = self._dry_run().result
        changes = self._shown(result)
        if self._session.as_json:
            self._session.json(result)
        if changes:
            raise Failure(Exit.NO, f"the balancer's configuration differs: {counted(changes)}")

    def carry_out(self) -> None:
        """Show the changes, ask, and apply them; again if they have become others meanwhile."""
        session = self._session
        while True:
            reply = self._dry_run()
            changes = self._shown(reply.result)
            version = _version(reply.result)
            if not changes:
                if session.as_json:
                    session.json(reply.result)
                return
            self._adopting(reply.result)
            if not session.agreed(f"Apply this ({counted(changes)})?", yes=self._yes):
                raise Failure(Exit.NO, "nothing was changed")
            try:
                applied = session.wire.post("/apply", self._document, if_match=version)
            except Refused as refused:
                if refused.code is not Exit.CHANGED:
                    raise self._explained(refused) from None
                if self._yes:
                    raise self._overtaken() from None
                session.report("The configuration has been changed meanwhile.", "yellow")
                continue
            if session.as_json:
                session.json(applied.result)
            else:
                done(session, applied.result, "Applied", version)
            return

    def _adopting(self, result: object) -> None:
        """Ask about adopting, which is a separate decision."""
        if self._adopt or not isinstance(result, dict) or result.get("adopts") is not True:
            return
        self._session.report(f"The first apply adopts. {MEANING}")
        if not self._session.agreed("Adopt, and apply from now on?", yes=False, option="--adopt"):
            raise Failure(Exit.NO, "nothing was changed")
        self._adopt = True

    def _overtaken(self) -> Failure:
        """Show the changes as they are now, to which the user has not agreed, and fail."""
        self._shown(self._dry_run().result)
        return Failure(
            Exit.CHANGED,
            "the configuration has been changed meanwhile: nothing was applied",
            "Above are the changes that the file would make now.",
        )

    def _dry_run(self) -> Reply:
        try:
            reply = self._session.wire.try_out("/apply", {"dry_run": "true"}, self._document)
        except Refused as refused:
            raise self._explained(refused) from None
        self._session.notes(reply)
        return reply

    def _shown(self, result: object) -> list[dict[str, Any]]:
        """Print the changes for the user, and return them."""
        session = self._session
        changes = changes_of(result)
        if not changes:
            session.report(Text("Nothing to change: the balancer has this configuration.", "green"))
        else:
            show(session.err if session.as_json else session.out, changes)
        return changes

    def _explained(self, refused: Refused) -> Failure:
        """A refusal, after its problems have been printed with their lines of the file."""
        if not any(fault.pointer for fault in refused.faults):
            return refused
        located = located_faults(self._text, self._file, refused.faults)
        show_problems(self._session.err, located)
        return Failure(refused.code, "nothing was changed: the balancer refuses the file")


def located_faults(text: str, file: Path, faults: Iterable[Fault]) -> list[Located]:
    """Each fault with its line of the file, in the order of lines."""
    lines = TomlLines(text)
    found = []
    for fault in faults:
        path = path_of(fault.pointer)
        message = fault.message.removesuffix(f" @ {path}")
        found.append(Located(file, lines[path], Problem(path, message)))
    return sorted(found, key=lambda each: each.line)


def path_of(pointer: str) -> str:
    """A JSON pointer (RFC 6901) as a path of problems: `/pools/0` is `$.pools[0]`."""
    place = Place()
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place /= int(name) if _INDEX.fullmatch(name) else name
    return place.text


def _version(result: object) -> int | None:
    version = result.get("version") if isinstance(result, dict) else None
    return version if isinstance(version, int) else None
