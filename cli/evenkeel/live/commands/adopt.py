"""`evenkeel adopt`: from the file that was deployed to the API, once."""

from typing import Annotated

import typer

from evenkeel.live.client.answers import Refused
from evenkeel.live.client.document import parts
from evenkeel.live.client.session import Session, live
from evenkeel.live.commands.changes import kind_word
from evenkeel.output.errors import Exit, Failure, plain

OF_THE_FILE = 1008
"""The balancer's code for an object that comes from loadbalancer.toml."""
MEANING = (
    "Adopting copies the load balancers, pools and monitors of the deployed loadbalancer.toml into "
    "the balancer's own store. From then on they are changed here, by the API and on the status "
    "page, and what the file says of them is not read any more, at later deployments either."
)


@live
def adopt(
    session: Session,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without a question.")] = False,
) -> None:
    """Take over what the deployed file defines, so that it can be changed without deploying."""
    adopt_all(session, yes=yes)


def adopt_all(session: Session, *, yes: bool, quiet: bool = False) -> None:
    """Ask, and adopt; `quiet` leaves the standard output to the command that needs it."""
    session.tell(MEANING)
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
        session.tell("There was nothing to adopt.")
        return
    for each in adopted:
        session.tell(f"  {kind_word(each.get('kind'))} {plain(each.get('name', ''))}")
    session.tell(f"Adopted: version {result.get('version')}.", "green")


def wants_adoption(refused: Refused) -> bool:
    """Whether a refusal says that the object is the file's, and not that the token may not."""
    return any(fault.code == OF_THE_FILE for fault in refused.faults)
