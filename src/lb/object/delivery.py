"""The configuration that the Durable Object hands to isolates and to other regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.catalog.effective import read
from lb.config import Invalid
from lb.state.pull import (
    OF_THE_DEPLOYMENT,
    Delivered,
    read_answer,
    read_question,
    with_configuration,
)

if TYPE_CHECKING:
    from lb.catalog.store import ConfigStore
    from lb.model import Config


def delivered(store: ConfigStore) -> Delivered:
    """Return what operators have configured; where they have not, that of the deployment."""
    if not store.version:
        return OF_THE_DEPLOYMENT
    return Delivered(
        version=store.version,
        document=store.effective.made.document,
        short_sessions=store.effective.short_sessions,
    )


def answer_with(store: ConfigStore, question: str, health: str) -> str:
    """Return an isolate's answer, with the configuration where it has another version."""
    if read_question(question).configuration in {None, store.version}:
        return health
    return with_configuration(delivered(store), health)


def text_for_regions(store: ConfigStore) -> str:
    """Return the configuration as text; "" where it is the deployment's, which regions have."""
    return with_configuration(delivered(store), "") if store.version else ""


def config_in(text: str) -> Config | Invalid | None:
    """Return the configuration in such a text; None where it holds none."""
    found, _ = read_answer(text)
    if found is None or found.document is None:
        return None
    return read(found.document, short_sessions=found.short_sessions)
