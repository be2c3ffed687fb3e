"""What the status page and the command line ask of the Durable Object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.calls import Refusal, Result, refused
from lb.report import report

if TYPE_CHECKING:
    from lb.calls import Call
    from lb.keeper import Keeper

NOT_ALLOWED = 10405
"""Cloudflare's code for a method that a path does not take."""


def status(call: Call, keeper: Keeper, now: float) -> Result | Refusal:
    """GET /status: see lb.report.report for its shape."""
    if call.method not in {"GET", "HEAD"}:
        return refused(405, NOT_ALLOWED, f"{call.path} is only read: use GET")
    return Result(result=report(keeper.config, keeper.known(), now))
