"""The version of what is deployed; that of the package, as a test sees to."""

from __future__ import annotations

VERSION = "0.1.0"
