"""A process of a measurement: its output and its end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from evenkeel.dev.process_group import Family

LINES_KEPT = 20
END_SECONDS = 3.0


class Started:
    """A member of the process family whose output is read all the time, so that it never blocks."""

    def __init__(
        self,
        family: Family,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to that of this process."""
        self._member: subprocess.Popen[bytes] = family.start(
            command, {**os.environ, **(environment or {})}, folder
        )
        self._tail: deque[str] = deque(maxlen=LINES_KEPT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._member.pid

    def runs(self) -> bool:
        """Whether it is still running."""
        return self._member.poll() is None

    def output(self) -> str:
        """The last lines of its output; complete once it has ended."""
        if not self.runs():
            self._reader.join(END_SECONDS)
        return "\n".join(self._tail)

    def wait(self, seconds: float) -> str:
        """Wait for its end, and return the last lines of its output."""
        self._member.wait(seconds)
        return self.output()

    def stop(self) -> None:
        """End it, and wait for its end."""
        self._member.terminate()
        try:
            self._member.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._member.kill()
            self._member.wait()

    def _read(self) -> None:
        if self._member.stdout is None:
            return
        with self._member.stdout as lines:
            for line in lines:
                self._tail.append(line.decode(errors="replace").rstrip())
