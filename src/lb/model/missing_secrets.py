"""Secrets that headers of a configuration name, and that the Worker lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model.enums import MonitorType
from lb.model.header_secrets import SecretName, how_to_store, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.model.config import Config
    from lb.model.header_secrets import Secret

OVER_HTTP = (MonitorType.HTTP, MonitorType.HTTPS)
"""Types of monitors that send headers."""


def problems_of(config: Config, secret: Secret) -> tuple[str, ...]:
    """Return a message for each secret that headers name and that cannot be sent."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for value, consequence in _named(config):
        problem = problem_of(value, secret)
        if problem:
            lacking.setdefault((problem, value.name), []).append(consequence)
    return tuple(
        f"{problem}: {'; '.join(dict.fromkeys(consequences))}; {how_to_store(name)}"
        for (problem, name), consequences in lacking.items()
    )


def _named(config: Config) -> Iterator[tuple[SecretName, str]]:
    """Yield every secret that a header names, and what becomes of it if it is missing."""
    for lb in config.load_balancers:
        for header, value in lb.request_headers.set:
            if isinstance(value, SecretName) and lb.enabled:
                yield value, f"load balancer {lb.name} sends no {header}"
    for monitor in config.monitors:
        for _, values in monitor.header:
            for value in values:
                if isinstance(value, SecretName) and monitor.type in OVER_HTTP:
                    yield value, f"monitor {monitor.name} fails"
