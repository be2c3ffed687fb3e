"""`evenkeel adopt`: the objects of the deployed file become the balancer's own."""

from typing import Annotated

import typer

from evenkeel.live.client.answers import Refused
from evenkeel.live.client.document import parts
from evenkeel.live.client.session import Session, live
from evenkeel.live.commands.changes import kind_word
from evenkeel.output.errors import Exit, Failure, plain

OF_THE_FILE = 1008
"""The balancer's error code for an object that only a deployment can change."""
MEANING = (
    "Adopting copies the load balancers, pools and monitors of the deployed loadbalancer.toml into "
    "the balancer's own store. From then on they are changed here, by the API and on the status "
    "page, and the file's version of them is ignored, at later deployments too."
)


@live
def adopt(
    session: Session,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Adopt the objects of the deployed file, so that they can be changed without deploying."""
    adopt_all(session, yes=yes)


def adopt_all(session: Session, *, yes: bool, quiet: bool = False) -> None:
    """Ask, and adopt; with `quiet` nothing is printed as JSON."""
    session.report(MEANING)
    if not session.agreed("Adopt?", yes=yes):
        raise Failure(Exit.NO, "nothing was adopted")
    reply = session.wire.post("/adopt", None)
    session.notes(reply)
    result = reply.result if isinstance(reply.result, dict) else {}
    adopted = parts(result, "adopted")
    if session.as_json:
        if not quiet:
            session.json(reply.result)
        return
    if not adopted:
        session.report("There was nothing to adopt.")
        return
    for each in adopted:
        session.report(f"  {kind_word(each.get('kind'))} {plain(each.get('name', ''))}")
    session.report(f"Adopted: version {result.get('version')}.", "green")


def wants_adoption(refused: Refused) -> bool:
    """Whether a request was refused because the object is defined in the deployed file."""
    return any(fault.code == OF_THE_FILE for fault in refused.faults)
