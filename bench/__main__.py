"""`python -m bench`: measures, prints one table, writes one JSON file."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

from rich.console import Console

from bench.model import BenchError, Peer, Scenario, Settings
from bench.peers import BASES, PEERS
from bench.peers.evenkeel import Evenkeel
from bench.report import document, table, warnings
from bench.run import FOLDER, measure
from bench.scenarios import SCENARIOS
from evenkeel import checkout

NARROWEST = 140
"""Columns that the table needs when its output is no terminal."""

Named = TypeVar("Named", Peer, Scenario)


def options() -> argparse.Namespace:
    """What was asked for."""
    usual = Settings()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Evenkeel.")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="of all measurements")
    parser.add_argument("--warm-up", type=float, default=usual.warm_up, help="seconds, per peer")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="peers and scenarios whose name contains NAME (may be given several times)",
    )
    parser.add_argument("--json", type=Path, default=FOLDER / "last.json", metavar="PATH")
    parser.add_argument(
        "--against", type=Path, metavar="SRC", help="measure another checkout's src/ too"
    )
    return parser.parse_args()


def chosen(named: Sequence[Named], only: Sequence[str]) -> list[Named]:
    """Those whose name contains one of the words; all when no word fits any of them."""
    words = [word.lower() for word in only]
    return [one for one in named if any(word in one.name.lower() for word in words)] or list(named)


def with_others(peers: Sequence[Peer], source: Path | None) -> list[Peer]:
    """The peers, each Evenkeel followed by the same of another source."""
    found: list[Peer] = []
    for peer in peers:
        found.append(peer)
        if source is not None and isinstance(peer, Evenkeel):
            name = f"{peer.name} (other source)"
            found.append(dataclasses.replace(peer, name=name, source=source.resolve()))
    return found


def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (a handler's signature)
    """End in good order."""
    raise SystemExit(128 + number)


def main() -> None:
    """Measure what was asked for."""
    asked = options()
    signal.signal(signal.SIGTERM, end)
    console = Console()
    if not console.is_terminal:
        console.width = NARROWEST
    missing = checkout.missing_pieces()
    if missing:
        sys.exit(f"{missing[0]} is missing: run `make setup` first")
    settings = Settings(asked.seconds, asked.rounds, asked.warm_up)
    peers, scenarios = (
        chosen(with_others(PEERS, asked.against), asked.only),
        chosen(SCENARIOS, asked.only),
    )
    for peer in peers:
        if peer.missing():
            console.print(f"{peer.name} is left out: {peer.missing()}", style="yellow")
    peers = [peer for peer in peers if not peer.missing()]
    try:
        with console.status("starting") as status:
            measured = measure(peers, scenarios, settings, status.update)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    console.print(table(measured.runs, scenarios, BASES))
    for warning in warnings(measured.runs, scenarios):
        console.print(f"Noisy: {warning}.", style="yellow")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(
        json.dumps(document(measured, scenarios, BASES, settings), indent=1) + "\n"
    )
    console.print(f"All figures: {os.path.relpath(asked.json)}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    main()
