"""What will be deployed, or a file, with all of its problems and warnings."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evenkeel.check.free_plan import warnings
from evenkeel.check.located import Lines, Located, from_here, read
from evenkeel.check.wrangler_file import read_wrangler_file
from evenkeel.dev.checkout import SOURCE, WRANGLER_CONFIG
from evenkeel.dev.staging import without_origins
from lb.config import Invalid, Problem, Source, source_in, source_in_toml
from lb.config.doubts import Deployment, Doubt, Stage, Treatment, doubts_of, treated
from lb.config.doubts.doubt import NOWHERE
from lb.model import Config

CONFIG = SOURCE / "loadbalancer.toml"
_POOL = re.compile(r"\$\.pools\[(\d+)\]")
_ORIGINS = "$.vars.ORIGINS"

NOT_DEPLOYED = Problem(
    "$",
    "is not what is deployed: variables of wrangler.toml name the origins (`evenkeel check` "
    "without a file checks these)",
)


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of an examination."""

    file: Path
    """The file that defines the balancer."""
    config: Config | None
    """None = it cannot be read."""
    problems: tuple[Located, ...] = ()
    """What is refused at this stage."""
    warnings: tuple[Located, ...] = ()
    by_variables: bool = False
    """Whether variables define the balancer, so that loadbalancer.toml is not read."""

    @property
    def limits(self) -> list[str]:
        """Sentences on the limits of the free plan that it exceeds."""
        return [] if self.config is None else warnings(self.config)


def examined(
    file: Path | None,
    stage: Stage,
    given: Mapping[str, str] | None = None,
    settings: Path = WRANGLER_CONFIG,
) -> Examined:
    """Examine a file, or without one what would be deployed.

    `given`: variables of options, which come before those of wrangler.toml (`settings`). The
    origins of wrangler.toml do not count when a file is named. UsageError if a file cannot be read.
    """
    given = given or {}
    wrangler = read_wrangler_file(settings)
    if wrangler.problems:
        return Examined(wrangler.file, None, wrangler.problems)
    own = wrangler.variables if file is None else without_origins(wrangler.variables)
    source = source_in({**own, **given})
    by_variables = source is not None
    if source is None:
        chosen = file or CONFIG
        text = read(chosen)
        source, lines = source_in_toml(text), Lines(chosen, text)
    else:
        lines = Lines(wrangler.file, wrangler.text, given)
    config = None if isinstance(source.parsed, Invalid) else source.parsed
    found = _of_source(source, stage, lines, NOWHERE if file else wrangler.deployment)
    if file is None:
        doubts = wrangler.doubts(config, by_variables=by_variables)
        found = found.with_more(_of_doubts(doubts, stage, Lines(wrangler.file, wrangler.text)))
    elif file.resolve() == CONFIG and source_in(wrangler.variables) is not None:
        found = found.with_more(_Found((), (Located(file, 1, NOT_DEPLOYED),)))
    return Examined(lines.file, config, found.problems, found.warnings, by_variables=by_variables)


@dataclass(frozen=True, slots=True)
class _Found:
    problems: tuple[Located, ...]
    warnings: tuple[Located, ...] = ()

    def with_more(self, other: "_Found") -> "_Found":
        return _Found((*self.problems, *other.problems), (*self.warnings, *other.warnings))


def _of_source(source: Source, stage: Stage, lines: Lines, deployment: Deployment) -> _Found:
    """Return what is wrong with a configuration."""
    if isinstance(source.parsed, Invalid):
        return _Found(lines.all(source.parsed.problems))
    doubts = doubts_of(source.document, source.parsed, deployment)
    return _of_doubts((_placed(doubt, source) for doubt in doubts), stage, lines)


def _placed(doubt: Doubt, source: Source) -> Doubt:
    """Return a doubt at the place that the operator wrote; ORIGINS has one place for all."""
    place = source.place_of(doubt.path)
    number = _POOL.match(doubt.path)
    if number is None or place != _ORIGINS:
        return replace(doubt, path=place)
    return replace(doubt, path=place, message=f"origin {int(number[1]) + 1}: {doubt.message}")


def _of_doubts(doubts: Iterable[Doubt], stage: Stage, lines: Lines) -> _Found:
    """Return what a stage refuses, and what it warns of."""
    known = tuple(dict.fromkeys(doubts))

    def located(treatment: Treatment) -> tuple[Located, ...]:
        return lines.all(
            Problem(each.path, each.message) for each in known if treated(each, stage) is treatment
        )

    return _Found(located(Treatment.REFUSE), located(Treatment.WARN))


def good(found: Examined) -> str:
    """The line on a configuration without problems."""
    replaces = f", whose variables replace {from_here(CONFIG)}" if found.by_variables else ""
    return f"{from_here(found.file)}: good{replaces}"


def examine(file: Path) -> Config | tuple[Located, ...]:
    """The configuration in a file, or all of its problems in the order of lines."""
    return examine_text(read(file), file)


def examine_text(text: str, file: Path) -> Config | tuple[Located, ...]:
    """The configuration in the text of a file, or all of its problems in the order of lines."""
    parsed = source_in_toml(text).parsed
    return Lines(file, text).all(parsed.problems) if isinstance(parsed, Invalid) else parsed


def problems_of(file: Path) -> tuple[Located, ...]:
    """All problems of a file."""
    found = examine(file)
    return () if isinstance(found, Config) else found
