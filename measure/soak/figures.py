"""The figures of a soak, each with its bound."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from measure.common.figures import percentile
from measure.common.open_loop import OK
from measure.soak.model import MEGABYTE, Figure, Sample, Seen, Settings

GROWTH_MEGABYTES = 64.0
"""Growth of memory after it has settled; more is a leak, less is normal for a heap."""

POSTS_LOST = 8
"""POSTs that may be lost at each fault: one that may have been processed is not sent again
(docs/reliability.md)."""

MOST_FILES = 500
"""Sockets of requests under way, and of idle connections."""

LONGEST_STALL = 3.0
USUAL_STALL = 0.5
"""Seconds of the 99th percentile. Generous, as other programs run on the machine."""

DRIFT = 0.1
"""Most difference of the median gap between probes from the interval, as a part of it."""


def figures(seen: Seen, settings: Settings) -> list[Figure]:
    """Return the figures, the most important first."""
    lost_gets, lost_posts = (
        sum(one.outcome != OK for one in seen.records if one.method == method)
        for method in ("GET", "POST")
    )
    waits = sorted(one.seconds for one in seen.records)
    stalls = [stall for at, stall in seen.stalls if at >= settings.settled]
    gaps = [b - a for a, b in pairwise(seen.probes)]
    interval = settings.interval
    usual = percentile(gaps, 50)
    return [
        Figure("GETs lost", lost_gets, "", 0),
        Figure("POSTs lost", lost_posts, "", POSTS_LOST * settings.faults),
        Figure("POSTs replayed", seen.replayed, "", 0),
        Figure("slowest request", max(waits, default=0.0), "s", 2 * settings.timeout + 3),
        Figure("99th percentile of requests", percentile(waits, 99), "s"),
        Figure("median request", percentile(waits, 50), "s"),
        Figure("memory at the end", _memory(seen.samples[-1:]), "MB"),
        Figure(
            "memory grown since settled", _growth(seen.samples, settings), "MB", GROWTH_MEGABYTES
        ),
        Figure("open files at the end", _files(seen.samples[-1:]), "", MOST_FILES),
        Figure("longest stall", max(stalls, default=0.0), "s", LONGEST_STALL),
        Figure("99th percentile of stalls", percentile(stalls, 99), "s", USUAL_STALL),
        Figure("this program late by", seen.late, "s"),
        # A round with a hanging origin ends at the time-out; the next one is still in time.
        Figure("longest gap between probes", max(gaps, default=0.0), "s", 2 * interval + 1),
        Figure("usual gap off the interval by", abs(usual - interval), "s", DRIFT * interval),
        Figure("probes beside the alarm", _beside(seen.probes, settings), "", 1 + len(gaps) // 50),
        Figure("faults of its own in the log", len(seen.errors), "", 0),
        Figure("runtime ended", float(bool(seen.ended)), "", 0),
    ]


def _files(samples: Sequence[Sample]) -> int:
    return max((one.files for one in samples), default=0)


def _memory(samples: Sequence[Sample]) -> float:
    return max((one.memory for one in samples), default=0) / MEGABYTE


def _growth(samples: Sequence[Sample], settings: Settings) -> float:
    """Megabytes of the last third above those of the time before, once memory had settled."""
    begin, end = settings.settled, settings.seconds * 2 / 3
    before = [one for one in samples if begin <= one.at < max(end, begin + settings.sample)]
    after = [one for one in samples if one.at >= end]
    return max(0.0, _memory(after) - _memory(before)) if before and after else 0.0


def _beside(probes: Sequence[float], settings: Settings) -> int:
    """Probes long before they were due: from an isolate that no longer relies on the alarm."""
    gaps = [(b, b - a) for a, b in pairwise(probes)]
    return sum(gap < settings.interval / 2 for at, gap in gaps if at > 2 * settings.interval)
