"""What the status page and the command line ask of the Durable Object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.calls import Refusal, Result, refused
from lb.report import report

if TYPE_CHECKING:
    from lb.calls import Call
    from lb.room import Room

NOTHING_SERVES = 1200
"""No configuration is good."""

NOT_ALLOWED = 10405
"""Cloudflare's code for a method that a path does not take."""


def status(room: Room, call: Call) -> Result | Refusal:
    """GET /status: see lb.report.report for its shape."""
    if call.method not in {"GET", "HEAD"}:
        return refused(405, NOT_ALLOWED, f"{call.path} is only read: use GET")
    keeper = room.keeper
    if keeper is None:
        return refused(
            503, NOTHING_SERVES, "nothing that is configured can serve: apply one that can"
        )
    return Result(result=report(keeper.config, keeper.known(), room.clock()))
