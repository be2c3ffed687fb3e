"""Secrets that headers name, compared with those of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import HeaderEdits, SecretName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lb.config.reading.problems import Place, Reader
    from lb.config.reading.tables import Record
    from lb.model import Notification


def check_secrets(document: Record, told: Iterable[Notification], reader: Reader) -> None:
    """Refuse headers that would send an origin the secret of a notification.

    Notifications stand in the file alone; headers can be set by whoever may write to the API.
    """
    taken = {one.secret: one.name for one in told if one.secret}
    for at, value in _named(document):
        if isinstance(value, SecretName) and value.name in taken:
            whose = f"the secret of notification {taken[value.name]}"
            reader.refuse(at, f"is {whose}, which no origin may be sent")


def _named(document: Record) -> Iterator[tuple[Place, object]]:
    for each in document.records("load_balancers"):
        edits = each.values.get("request_headers")
        for header, value in edits.set if isinstance(edits, HeaderEdits) else ():
            yield each.at / "request_headers" / "set" / header, value
    for each in document.records("monitors"):
        for header, values in each.headers("header"):
            for index, value in enumerate(values):
                yield each.at / "header" / header / index, value
