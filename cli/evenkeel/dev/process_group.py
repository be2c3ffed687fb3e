"""The processes of one local run, which always end together."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from evenkeel.dev import watchdog

# Longer than the watchdog's own time-out.
END_SECONDS = watchdog.GRACE_SECONDS + 5.0


class Family:
    """A process group. A watchdog ends it when this object is closed or this process dies."""

    def __init__(self, folder: Path) -> None:
        """Start the watchdog; `folder` is removed after the last process of the family."""
        reading, self._lifeline = os.pipe()
        # -I -S: without the project's packages it starts in a hundredth of a second.
        command = [sys.executable, "-I", "-S", watchdog.__file__, str(folder)]
        self._watchdog = subprocess.Popen(
            command, stdin=reading, stdout=subprocess.PIPE, process_group=0
        )
        os.close(reading)
        assert self._watchdog.stdout is not None
        self._group = int(self._watchdog.stdout.readline())
        self._members: list[subprocess.Popen[bytes]] = []

    def start(
        self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path
    ) -> subprocess.Popen[bytes]:
        """Start a member; its `stdout` has its output and errors."""
        member = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=self._group,
        )
        self._members.append(member)
        return member

    def is_guarded(self) -> bool:
        """Whether the watchdog is running."""
        return self._watchdog.poll() is None

    def close(self) -> None:
        """End all members, and wait for their end."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        if not self.is_guarded():
            watchdog.end_group(self._group)
        deadline = time.monotonic() + END_SECONDS
        while self._watchdog.poll() is None and time.monotonic() < deadline:
            # An ended member stays in its group until it is waited for.
            for member in self._members:
                member.poll()
            time.sleep(watchdog.POLL_SECONDS)
        for member in self._members:
            with suppress(subprocess.TimeoutExpired):
                member.wait(END_SECONDS)
        assert self._watchdog.stdout is not None
        self._watchdog.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
