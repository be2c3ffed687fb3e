"""The version of Evenkeel; a test compares it with that of the package."""

from __future__ import annotations

VERSION = "0.1.0"
