"""Types of monitors, one module each: the probe, and the verdict on its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.model import MonitorType
from lb.probing.types import http, smtp, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.health.verdict import Verdict
    from lb.model import Monitor, Origin
    from lb.probing.probe import Probe, Reply


class Kind(NamedTuple):
    """The two decisions of a type of monitor."""

    probe: Callable[[Monitor, Origin], Probe]
    judge: Callable[[Monitor, Reply], Verdict]


MONITORS: Mapping[MonitorType, Kind] = {
    MonitorType.HTTP: Kind(http.probe, http.judge),
    MonitorType.HTTPS: Kind(http.probe, http.judge),
    MonitorType.TCP: Kind(tcp.probe, tcp.judge),
    MonitorType.SMTP: Kind(smtp.probe, smtp.judge),
}
