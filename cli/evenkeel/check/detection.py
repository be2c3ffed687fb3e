"""The time in which a failure that only probes see reaches requests, and what that costs."""

from collections.abc import Iterator

from evenkeel.check.free_plan import FREE_PLAN, USUAL, Resource, pulls_of
from lb.model import Config, Monitor
from lb.state.pull_times import probed_together, refresh_of

LATE = 3
"""Seconds from a verdict to the requests of an isolate with ordinary traffic, at most."""


def seconds_to_requests(config: Config, monitor: Monitor) -> float:
    """Seconds from a failure that only this monitor's probes see to requests that avoid it.

    Answers follow the rounds of probes if an isolate asks at least once in the time that a change
    takes. Else a verdict may wait for the next pull.
    """
    refresh, down = refresh_of(config), max(monitor.consecutive_down, 1)
    # An explicit `refresh` follows no rounds while all is well, so one pull must see the counting.
    seen = down if config.state.refresh is None else down - 1
    prompt = seen * monitor.interval >= refresh
    return down * monitor.interval + LATE + (0 if prompt else refresh)


def lines(config: Config) -> Iterator[str]:
    """Sentences for `evenkeel check`; none where nothing is probed."""
    together = probed_together(config).values()
    monitors = {monitor.name: monitor for probed in together for _, monitor in probed}
    if not monitors:
        return
    pulls, most = pulls_of(config), FREE_PLAN[Resource.OBJECT_REQUESTS].most
    yield (
        f"isolates ask for health every {refresh_of(config):g} s: {pulls:,.0f} Durable Object "
        f"requests a day with {USUAL.isolates} isolates, {pulls / most:.0%} of the free plan"
    )
    for name, monitor in monitors.items():
        seconds = seconds_to_requests(config, monitor)
        yield f"monitor {name}: a failure that only probes see reaches requests in {seconds:g} s"
