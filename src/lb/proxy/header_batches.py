"""Headers to set, in batches in which no value comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def batches(pairs: Iterable[tuple[str, str]]) -> Iterator[list[list[str]]]:
    """Yield (value, name) of headers in their order, cut where a value comes a second time.

    A batch fits a map whose keys are the values.
    """
    batch: dict[str, str] = {}
    for name, value in pairs:
        if value in batch:
            yield [[value, name] for value, name in batch.items()]
            batch = {}
        batch[value] = name
    if batch:
        yield [[value, name] for value, name in batch.items()]
