"""Signals that the tests ignore, and what becomes of them in the processes that tests start.

A shell that is not interactive starts a command in the background with SIGINT ignored, and `nohup`
does so with SIGHUP. An ignored signal stays ignored in every process that is started from there: a
test that stops a process with Ctrl-C would wait for its end in vain.
"""

from __future__ import annotations

import signal

INHERITED = (signal.SIGINT, signal.SIGHUP)


def give_children_the_default() -> None:
    """Go on ignoring these signals here, and let processes started from now on have the default.

    When a program is started, the operating system resets a signal that has a handler, and leaves
    one that is ignored as it is. So a handler that does nothing takes the place of the latter.
    """
    for number in INHERITED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)


def _nothing(*_: object) -> None:
    """Be called, and do nothing."""
