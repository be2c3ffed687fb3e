"""CPU time and memory by the system's own account, of a peer and of all that is around it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

RESET_PEAK = "5"
"""What makes Linux forget a process's peak (proc(5), clear_refs)."""


class Clocks(NamedTuple):
    """CPU seconds used so far."""

    peer: float
    own: float
    origin: float
    machine: float
    steal: float


@dataclass(slots=True)
class Used:
    """CPU seconds used in a span of time."""

    cpu: float = 0.0
    """Of the peer."""
    own_cpu: float = 0.0
    """Of the load generator."""
    other_cpu: float = 0.0
    """Of all that has nothing to do with the measurement."""
    steal: float = 0.0
    """What the machine's host gave to others."""


def clocks(pid: int, origin: int) -> Clocks:
    """Read all CPU clocks; what the children of `pid` use counts too."""
    machine = psutil.cpu_times()
    return Clocks(
        peer=family_cpu(pid),
        own=_cpu(psutil.Process()),
        origin=_cpu(psutil.Process(origin)),
        machine=machine.user + machine.system + machine.nice,
        steal=getattr(machine, "steal", 0.0),
    )


def used(before: Clocks, after: Clocks, *, origin_is_peer: bool = False) -> Used:
    """What was used between two readings."""
    spent = Clocks(*(late - early for late, early in zip(after, before, strict=True)))
    known = spent.own + spent.peer + (0.0 if origin_is_peer else spent.origin)
    return Used(
        cpu=spent.peer,
        own_cpu=spent.own,
        other_cpu=max(0.0, spent.machine - known),
        steal=spent.steal,
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def family_cpu(pid: int) -> float:
    """CPU seconds of a process and its children."""
    return sum(_cpu(one) for one in _family(pid))


def memory(pid: int) -> float:
    """Bytes of memory that a process and its children have now."""
    return float(sum(one.memory_info().rss for one in _family(pid)))


def forget_peak(pid: int) -> None:
    """Begin the peak of memory anew, where the system lets us."""
    for one in _family(pid):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one.pid}/clear_refs").write_text(RESET_PEAK)


def peak(pid: int) -> float:
    """The most bytes of memory that a process and its children had; at least what they have."""
    return sum(_peak(one) for one in _family(pid))


def _peak(process: psutil.Process) -> float:
    rss = float(process.memory_info().rss)
    with contextlib.suppress(OSError):
        rss = max(rss, peak_in(Path(f"/proc/{process.pid}/status").read_text()))
    return rss


def peak_in(status: str) -> float:
    """The peak in bytes that Linux tells in a process's status; 0 when it does not."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    return 0.0
