"""The figures of a soak and their bounds."""

from __future__ import annotations

from dataclasses import replace

from measure.common.open_loop import Record
from measure.soak.figures import figures
from measure.soak.model import MEGABYTE, Sample, Seen, Settings, lost

SETTINGS = Settings(minutes=10)


def good() -> Seen:
    """Ten minutes in which every bound is kept."""
    seen = Seen()
    seen.records = [Record(n / 40, "GET", "200", 0.01, "steady") for n in range(24_000)]
    seen.stalls = [(n / 10, 0.005) for n in range(6000)]
    seen.probes = [n * 5.02 for n in range(119)]
    seen.samples = [
        Sample(at=n * 10.0, memory=300 * MEGABYTE, requests=n, lost=0, stall=0, files=99, errors=0)
        for n in range(1, 61)
    ]
    return seen


def broken(seen: Seen) -> list[str]:
    """The names of the figures above their bounds."""
    return [one.name for one in figures(seen, SETTINGS) if one.broken]


def test_a_good_soak_breaks_no_bound() -> None:
    """Lost requests are counted by method and outcome."""
    assert broken(good()) == []
    assert lost([*good().records, Record(1, "POST", "503", 1, "")]) == {"POST 503": 1}


def with_(seen: Seen, field: str, value: object) -> Seen:
    """The observations with one field changed."""
    setattr(seen, field, value)
    return seen


def test_each_bound_can_be_broken() -> None:
    """Each bound has a case that breaks it alone."""
    one = good()
    leak = [
        Sample(
            at=s.at,
            memory=int((300 + s.at) * MEGABYTE),
            requests=0,
            lost=0,
            stall=0,
            files=9,
            errors=0,
        )
        for s in one.samples
    ]
    cases = {
        "GETs lost": with_(good(), "records", [*one.records, Record(1, "GET", "503", 1, "")]),
        "POSTs lost": with_(good(), "records", [Record(1, "POST", "503", 1, "")] * 60),
        "POSTs replayed": with_(good(), "replayed", 1),
        "slowest request": with_(good(), "records", [Record(1, "GET", "200", 9.0, "steady")]),
        "memory grown since settled": with_(good(), "samples", leak),
        "open files at the end": with_(
            good(), "samples", [*one.samples[:-1], replace(one.samples[-1], files=5000)]
        ),
        "longest stall": with_(good(), "stalls", [*one.stalls, (500.0, 4.0)]),
        "longest gap between probes": with_(good(), "probes", [*one.probes[:50], *one.probes[60:]]),
        "usual gap off the interval by": with_(good(), "probes", [n * 6.0 for n in range(99)]),
        "probes beside the alarm": with_(
            good(), "probes", sorted([*one.probes, *(at + 1 for at in one.probes[10:20])])
        ),
        "faults of its own in the log": with_(good(), "errors", ["{}"]),
        "runtime ended": with_(good(), "ended", "gone"),
    }
    assert {name: broken(seen) for name, seen in cases.items()} == {name: [name] for name in cases}


def test_the_first_minutes_count_as_no_stall() -> None:
    """Code is compiled in the first minutes, and memory reaches its size."""
    seen = good()
    seen.stalls.append((1.0, 4.0))
    seen.samples[0] = Sample(at=1.0, memory=1, requests=0, lost=0, stall=4, files=9, errors=0)
    assert broken(seen) == []
