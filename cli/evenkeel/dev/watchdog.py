"""The watchdog of one local run: it ends all processes of the run when its parent is gone.

It is started as a script, without the project's packages, to be small and quick. It makes a process
group, prints its number, and then reads standard input: a pipe that only the parent holds. The end
of the pipe means that the parent closed it or died.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

# wrangler and workerd need a tenth of a second for an orderly end.
GRACE_SECONDS = 3.0
POLL_SECONDS = 0.02
PROC = Path("/proc")


def make_group() -> int:
    """Start the group's first member, which only keeps the group's number in use."""
    leader = os.fork()
    if leader == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # No other process may hold the pipe, or its end would not be seen.
        os.closerange(0, 3)
        while True:
            signal.pause()
    with contextlib.suppress(PermissionError):
        os.setpgid(leader, leader)  # parent or child, whichever is first
    return leader


def is_empty(group: int) -> bool:
    """Whether the group has no process left."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # the latter: only zombies (macOS)
        return True
    return PROC.is_dir() and not any(is_alive_in(group, entry) for entry in PROC.glob("[0-9]*"))


def is_alive_in(group: int, entry: Path) -> bool:
    """Whether a process is in the group and not a zombie."""
    try:
        # State, parent and group come after the command's name, which may have any characters.
        state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return its_group == str(group) and state not in "ZX"


def end_group(group: int) -> None:
    """Terminate every process of the group, and kill those that do not end."""
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 1.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if is_empty(group):
                return
            time.sleep(POLL_SECONDS)


def main() -> None:
    """Wait for the end of the parent, then end the group and remove the folder, if any."""
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
