"""Tables of docs/budget.md: what configurations use of the free plan."""

import re
from collections.abc import Iterator

from evenkeel.check.free_plan import FREE_PLAN, USUAL, Use, rows, usage
from evenkeel.dev.checkout import ROOT, SOURCE
from evenkeel.docs.markdown import regenerated, table
from lb.config import Invalid, from_toml
from lb.config.objects.monitor_fields import PRESETS
from lb.model import Config, Sensitivity
from lb.state.refresh import Home

PAGE = ROOT / "docs" / "budget.md"

_INTERVALS = (15, 60)
_AGGRESSIVE = PRESETS[Sensitivity.AGGRESSIVE]
_DEFAULT = SOURCE / "loadbalancer.toml"
_HEAD = ("", "a day", "free plan", "share")


def page_text(page: str) -> str:
    """The page with new tables between its two marks."""
    return regenerated(page, "\n".join(_tables()))


def default_config() -> Config:
    """The default configuration: two origins, each with a tunnel."""
    return _parsed(_DEFAULT.read_text("utf-8"))


def _parsed(text: str) -> Config:
    parsed = from_toml(text)
    if isinstance(parsed, Invalid):
        raise TypeError(*parsed.problems)  # a test checks that the default file is good
    return parsed


def _tables() -> Iterator[str]:
    config = default_config()
    seconds = config.monitors[0].interval
    yield f"### As delivered: two origins, probed every {seconds} seconds, health in `LB_STATE`"
    yield from _table(usage(config, Home.OBJECT))
    text = _DEFAULT.read_text("utf-8")
    for interval in _INTERVALS:
        yield f"### The same with `interval = {interval}`"
        changed = text.replace(f"interval = {seconds} ", f"interval = {interval} ")
        yield from _table(usage(_parsed(changed), Home.OBJECT))
    yield '### The same with `sensitivity = "aggressive"`: probes every 5 seconds, pulls every 10'
    for key, value in _AGGRESSIVE.items():
        text = re.sub(rf"^{key} = \d+ ", f"{key} = {value} ", text, count=1, flags=re.MULTILINE)
    yield from _table(usage(_parsed(text), Home.OBJECT))
    yield "### The same with KV in place of the Durable Object"
    yield from _table(usage(config, Home.KV))
    yield "### Assumed"
    yield ""
    yield f"- {USUAL.isolates} isolates have traffic, around the clock;"
    yield f"- visitors send {USUAL.requests:,} requests a day, all that the free plan allows;"
    yield f"- an origin goes down and comes back {USUAL.incidents} times a day, and"
    yield f"- for {USUAL.hanging / 3600:g} h a day probes end by their time-out, with all retries;"
    yield f"- otherwise the probes of a round take {USUAL.round_seconds:g} s, and answering an"
    yield f"  isolate {1000 * USUAL.pull_seconds:g} ms;"
    yield f"- an object reads {USUAL.rows_a_start} rows each time it is called."
    yield ""
    yield "Limits from Cloudflare's pages:"
    yield ""
    for page in dict.fromkeys(limit.page for limit in FREE_PLAN.values()):
        yield f"- <{page}>"


def _table(uses: tuple[Use, ...]) -> Iterator[str]:
    yield ""
    yield from table(_HEAD, rows(uses), numbers=True)
    yield ""


def write() -> None:
    """Write the page."""
    PAGE.write_text(page_text(PAGE.read_text("utf-8")), "utf-8")
