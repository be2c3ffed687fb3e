"""Sorts wrangler's output: lines of the Worker, errors of wrangler, and noise."""

import re
from collections import deque
from enum import Enum

TAIL_LINES = 30

READY = re.compile(r"^\[wrangler:\w+\] Ready on http://[^:]+:(\d+)")
RELOADING = re.compile(r"Reloading local server")
RELOADED = re.compile(r"Local server updated and ready")
# The runtime could not load the Worker; waiting does not help.
FAILED = re.compile(r"The Workers runtime failed to start|^service core:user:|Build failed")

NOISE = re.compile(
    r"""^(
        \s*$
      | [┌├│└]                                   # the table of modules
      | Attaching\ additional\ modules
      | Your\ Worker\ (has|and\ resources)
      | Binding\s+Resource
      | env\.\w+\ .*\s(local|remote|not\ supported)\s*$
      | ⎔
      | ⛅|─+$
      | \[wrangler:\w+\]
      | \S*\s*Logs\ were\ written\ to
      | Using\ (vars|secrets)\ defined\ in
      | \s+stack:\ .*workerd@                           # frames of the runtime itself
      | \s+at\ .*(pyodideRuntime-internal:|wasm://)    # frames below Python's own
      # A second copy of an error, and where to report it.
      | \s+Runtime\ stderr:
      | \s+\{"timestamp":.*"source":"src/workerd/
      | If\ you\ think\ this\ is\ a\ bug
      # A hint on cron triggers; a local run relies on the Durable Object's alarm.
      | .*Scheduled\ Workers\ are\ not\ automatically\ triggered
      | \s+To\ manually\ trigger\ a\ scheduled\ event
      | \s+curl\ "http://[^"]*/cdn-cgi/local/scheduled"
      | \s+For\ more\ details,\ see\ https://developers\.cloudflare\.com/workers/configuration/cron
    )""",
    re.VERBOSE,
)
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def plain_text(raw: bytes) -> str:
    """A line without its end and without colours, which wrangler always prints."""
    return COLOUR.sub("", raw.decode(errors="replace")).rstrip("\n")


class Kind(Enum):
    """Kind of a line of wrangler's output."""

    READY = "ready"
    RELOADING = "reloading"
    RELOADED = "reloaded"
    FAILED = "failed"
    NOISE = "noise"
    WORKER = "worker"


class Output:
    """Sorts lines, and keeps the last ones for a report of a crash."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.port = 0

    def sort(self, plain: str) -> Kind:
        """Return the kind of a line; the line with the port also sets `port`."""
        if ready := READY.search(plain):
            self.port = int(ready[1])
            return Kind.READY
        if RELOADING.search(plain):
            return Kind.RELOADING
        if RELOADED.search(plain):
            return Kind.RELOADED
        if NOISE.match(plain):
            return Kind.NOISE
        self.tail.append(plain)
        return Kind.FAILED if FAILED.search(plain) else Kind.WORKER
