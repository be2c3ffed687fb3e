"""Reads metrics as Prometheus does, with its own client's strict parser."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


class Scrape:
    """The samples of one text, which Prometheus must accept."""

    def __init__(self, text: str) -> None:
        found = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        self.families: dict[str, Metric] = {one.name: one for one in found}

    def all(self, name: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of samples with this name and these labels, by their other labels."""
        return {
            tuple(value for key, value in sample.labels.items() if key not in labels): sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and sample.labels.items() >= labels.items()
        }

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of these values."""
        return sum(self.all(name, **labels).values())
