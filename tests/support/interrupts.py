"""Signals that the tests ignore, and their action in the processes that tests start.

A non-interactive shell starts a background command with SIGINT ignored, and `nohup` does the same
with SIGHUP. Every child process inherits an ignored signal: a test that stops a process with Ctrl-C
would wait for its end forever.
"""

from __future__ import annotations

import signal

INHERITED = (signal.SIGINT, signal.SIGHUP)


def give_children_the_default() -> None:
    """Keep ignoring these signals here; processes started from now on get the default action.

    When a program starts, the operating system resets a signal that has a handler, and keeps one
    that is ignored. So a handler that does nothing replaces the ignored state.
    """
    for number in INHERITED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)


def _nothing(*_: object) -> None:
    """Do nothing."""
