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
from pathlib import Path

# wrangler and workerd need a tenth of a second to end in good order.
GRACE_SECONDS = 3.0
POLL_SECONDS = 0.02
PROC = Path("/proc")


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
    except (ProcessLookupError, PermissionError):  # the latter: only dead ones (macOS)
        return True
    return PROC.is_dir() and not any(is_alive_in(group, entry) for entry in PROC.glob("[0-9]*"))


def is_alive_in(group: int, entry: Path) -> bool:
    """Whether a process is of the group and not a dead one that init has yet to reap."""
    try:
        # After the command's name, which may hold anything: state, parent, group.
        state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return its_group == str(group) and state not in "ZX"


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
