"""The configuration as it is delivered to isolates and to objects of other regions."""

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
    """Return the operators' configuration; the deployment's before their first change."""
    if not store.version:
        return OF_THE_DEPLOYMENT
    return Delivered(
        version=store.version,
        document=store.effective.made.document,
        short_sessions=store.effective.short_sessions,
    )


def answer_with(store: ConfigStore, question: str, health: str) -> str:
    """Return an isolate's answer, with the configuration if it has another version."""
    if read_question(question).configuration in {None, store.version}:
        return health
    return with_configuration(delivered(store), health)


def text_for_regions(store: ConfigStore) -> str:
    """Return the configuration as text; "" for the deployment's, which other objects have too."""
    return with_configuration(delivered(store), "") if store.version else ""


def config_in(text: str) -> Config | Invalid | None:
    """Return the configuration in a text; None: there is none in it."""
    found, _ = read_answer(text)
    if found is None or found.document is None:
        return None
    return read(found.document, short_sessions=found.short_sessions)
