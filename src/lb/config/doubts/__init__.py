"""Doubts about a valid configuration: what cannot work, and what surely is a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.doubts.doubt import NOWHERE, Deployment, Doubt, DoubtKind, Stage, Treatment, treated
from lb.config.doubts.doubtful_hosts import doubtful_hosts
from lb.config.doubts.futile_probes import futile_probes
from lb.config.doubts.futile_steering import futile_steering
from lb.config.doubts.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Config

__all__ = [
    "Deployment",
    "Doubt",
    "DoubtKind",
    "Stage",
    "Treatment",
    "doubts_of",
    "notes_of",
    "treated",
]


def doubts_of(
    document: Mapping[str, object], config: Config, deployment: Deployment = NOWHERE
) -> tuple[Doubt, ...]:
    """Return the doubts about a configuration, each once, with paths into its document."""
    paths = Paths(document)
    noted = (
        Doubt(DoubtKind.WITHOUT_EFFECT, path, reason) for path, reason in config.unheeded.items()
    )
    found = (
        *noted,
        *doubtful_hosts(config, paths, deployment),
        *futile_probes(config, paths),
        *futile_steering(config, paths),
    )
    return tuple(dict.fromkeys(found))


def notes_of(document: Mapping[str, object], config: Config) -> tuple[tuple[str, str], ...]:
    """Return path and message of what the API reports about a served configuration."""
    return tuple(
        (doubt.path, doubt.message)
        for doubt in doubts_of(document, config)
        if treated(doubt, Stage.API) is not Treatment.ALLOW
    )
