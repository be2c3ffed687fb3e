"""The frame of a measuring program: console, signals, choice by name, and the JSON file."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console

from evenkeel.dev import checkout


def open_console(width: int) -> Console:
    """Open the console, `width` columns wide where the output is no terminal.

    From now on SIGTERM ends the program in good order.
    """
    signal.signal(signal.SIGTERM, _exit)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = width
    return console


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (a handler's signature)
    raise SystemExit(128 + number)


def require_setup() -> None:
    """End the program where `make setup` has not been run."""
    missing = checkout.missing_pieces()
    if missing:
        sys.exit(f"{missing[0]} is missing: run `make setup` first")


def matches(name: str, words: Sequence[str]) -> bool:
    """Whether a name contains one of the words, in upper or lower case."""
    return any(word.lower() in name.lower() for word in words)


def save(document: Mapping[str, Any], path: Path, console: Console) -> None:
    """Write the JSON file, and print where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    console.print(f"All figures: {os.path.relpath(path)}", soft_wrap=True)
