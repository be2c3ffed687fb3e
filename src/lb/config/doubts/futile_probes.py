"""Monitors whose probes can never succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.doubts.doubt import Doubt, DoubtKind
from lb.model import MonitorType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.config.doubts.paths import Paths
    from lb.config.reading.problems import Place
    from lb.model import Config, Monitor

_ON_HTTP = frozenset({MonitorType.HTTP, MonitorType.HTTPS})
_BODILESS = frozenset({204, 205, 304})
"""Status codes of responses without a body (RFC 9110 6.4.1)."""
_FIRST_FINAL = 200
_REDIRECTS = range(300, 400)

HEAD_HAS_NO_BODY = 'is never found, as a HEAD request gets no body: use method = "GET"'
CODES_HAVE_NO_BODY = (
    "is never found, as responses with these expected_codes have no body: expect 200"
)
NOT_FINAL = "never come, as a response ends with a status from 200 on: expect 200"
FOLLOWED = (
    "never come, as follow_redirects follows them: expect the status of the page behind, or do "
    "not follow redirects"
)
NOTHING_PROBES = "has no effect, as the pool has no monitor: name one"


def futile_probes(config: Config, paths: Paths) -> Iterator[Doubt]:
    """Yield doubts about monitors, and about pools whose probes are set up in part."""
    for monitor in config.monitors:
        if monitor.type in _ON_HTTP:
            yield from _expectations(monitor, paths.monitor(monitor))
    for pool in config.pools:
        if pool.check_regions and not pool.monitors:
            at = paths.pool(pool) / "check_regions"
            yield Doubt(DoubtKind.MISTAKE, at.text, NOTHING_PROBES)


def _expectations(monitor: Monitor, at: Place) -> Iterator[Doubt]:
    if monitor.expected_body:
        body = (at / "expected_body").text
        if monitor.method == "HEAD":
            yield Doubt(DoubtKind.MISTAKE, body, HEAD_HAS_NO_BODY)
        elif all(
            each.low == each.high and each.low in _BODILESS for each in monitor.expected_codes
        ):
            yield Doubt(DoubtKind.MISTAKE, body, CODES_HAVE_NO_BODY)
    codes = (at / "expected_codes").text
    if all(each.high < _FIRST_FINAL for each in monitor.expected_codes):
        yield Doubt(DoubtKind.MISTAKE, codes, NOT_FINAL)
    elif monitor.follow_redirects and all(
        each.low in _REDIRECTS and each.high in _REDIRECTS for each in monitor.expected_codes
    ):
        yield Doubt(DoubtKind.MISTAKE, codes, FOLLOWED)
