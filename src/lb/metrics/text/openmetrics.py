"""The text format of OpenMetrics 1.0.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import inf, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Type(Enum):
    """Type of a metric family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    STATESET = "stateset"
    INFO = "info"


class Family:
    """A metric family: its samples, in the order in which they were added."""

    def __init__(self, name: str, kind: Type, text: str, unit: str = "") -> None:
        """`name` ends with the unit, if there is one, and has no suffix such as _total."""
        self.name = name
        self.kind = kind
        self.text = text
        self.unit = unit
        self._samples: list[Sample] = []

    def add(self, value: float, suffix: str = "", **labels: str) -> None:
        """Add a sample."""
        self._samples.append(Sample(suffix, labels, value))

    def count(self, value: float, **labels: str) -> None:
        """Add the sample of a counter."""
        self.add(value, "_total", **labels)

    def state(self, state: str, states: Iterable[str], **labels: str) -> None:
        """Add the samples of a state set, with one state set."""
        for one in states:
            self.add(float(one == state), "", **labels, **{self.name: one})

    def spread(
        self, bounds: Iterable[float], counts: Iterable[float], seconds: float, **labels: str
    ) -> None:
        """Add the samples of a histogram: one count for each bound, and one above all bounds."""
        total = 0.0
        for bound, count in zip((*bounds, inf), counts, strict=True):
            total += count
            self.add(total, "_bucket", **labels, le=_number(bound, bound=True))
        self.add(total, "_count", **labels)
        self.add(seconds, "_sum", **labels)

    def lines(self) -> Iterator[str]:
        yield f"# TYPE {self.name} {self.kind.value}"
        if self.unit:
            yield f"# UNIT {self.name} {self.unit}"
        yield f"# HELP {self.name} {_escaped(self.text)}"
        for sample in self._samples:
            labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
            braces = f"{{{labels}}}" if labels else ""
            yield f"{self.name}{sample.suffix}{braces} {_number(sample.value)}"


@dataclass(frozen=True, slots=True)
class Sample:
    suffix: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float = 0.0


def text_of(families: Iterable[Family]) -> str:
    """Return the complete text."""
    return "".join(f"{line}\n" for family in families for line in family.lines()) + "# EOF\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float, *, bound: bool = False) -> str:
    """Return the text of a number; whole numbers have no fraction, except bounds of buckets."""
    if isnan(value):
        return "NaN"
    if value in {inf, -inf}:
        return "+Inf" if value > 0 else "-Inf"
    if not bound and value == int(value):
        return str(int(value))
    return repr(round(float(value), 6))
