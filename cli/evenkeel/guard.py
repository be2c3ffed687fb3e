"""The watchdog of one local run: ends all of its processes as soon as its parent is gone.

Started as a script of its own, without the project's packages, so that it is small and quick. It
makes a process group, tells its number on standard output, and then reads standard input: a pipe
that only the parent holds. The pipe's end means that the parent closed it or died, however it died.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

# wrangler needs half a second to end in good order.
GRACE_SECONDS = 3.0
POLL_SECONDS = 0.02


def make_group() -> int:
    """Start the group's first member, which does nothing but keep the group's number taken."""
    leader = os.fork()
    if leader == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # The pipe's end must be seen when the parent goes, so nobody else may hold it.
        os.closerange(0, 3)
        while True:
            signal.pause()
    with contextlib.suppress(PermissionError):
        os.setpgid(leader, leader)  # whichever of the two comes first
    return leader


def is_empty(group: int) -> bool:
    """Whether no process of the group is left."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # only zombies are left (macOS)
        return True
    return False


def end_group(group: int) -> None:
    """Ask every process of the group to end, and end those that do not."""
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 1.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if is_empty(group):
                return
            time.sleep(POLL_SECONDS)


def main() -> None:
    """Wait for the parent to go; its folder, if any, goes with it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = make_group()
    os.write(1, f"{group}\n".encode())
    while os.read(0, 1024):
        pass
    end_group(group)
    for folder in sys.argv[1:]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
