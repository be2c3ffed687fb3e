"""CPU time and memory of a peer and of the rest of the machine, from the operating system."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

RESET_PEAK = "5"
"""Value for clear_refs that resets a process's peak of memory (proc(5))."""


class Clocks(NamedTuple):
    """Readings of the CPU clocks, in seconds."""

    peer: float
    own: float
    origin: float
    machine: float
    steal: float


@dataclass(slots=True)
class Used:
    """CPU seconds used between two readings."""

    cpu: float = 0.0
    """The peer and its children."""
    own_cpu: float = 0.0
    """The load generator."""
    other_cpu: float = 0.0
    """Programs that are no part of the measurement."""
    steal: float = 0.0
    """Time that the machine's host gave to other machines."""


def clocks(pid: int, origin: int) -> Clocks:
    """Read the CPU clocks; the children of `pid` are included."""
    machine = psutil.cpu_times()
    return Clocks(
        peer=family_cpu(pid),
        own=_cpu(psutil.Process()),
        origin=_cpu(psutil.Process(origin)),
        machine=machine.user + machine.system + machine.nice,
        steal=getattr(machine, "steal", 0.0),
    )


def used(before: Clocks, after: Clocks, *, origin_is_peer: bool = False) -> Used:
    """The CPU time between two readings."""
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
    """Resident bytes of a process and its children."""
    return float(sum(one.memory_info().rss for one in _family(pid)))


def forget_peak(pid: int) -> None:
    """Reset the peak of memory, where the system allows it."""
    for one in _family(pid):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one.pid}/clear_refs").write_text(RESET_PEAK)


def peak(pid: int) -> float:
    """Peak of resident bytes of a process and its children; never less than the present value."""
    return sum(_peak(one) for one in _family(pid))


def _peak(process: psutil.Process) -> float:
    rss = float(process.memory_info().rss)
    with contextlib.suppress(OSError):
        rss = max(rss, peak_in(Path(f"/proc/{process.pid}/status").read_text()))
    return rss


def peak_in(status: str) -> float:
    """The peak in bytes from a process's status on Linux; 0 where it has none."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    return 0.0
