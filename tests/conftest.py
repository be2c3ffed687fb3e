"""How long properties are tried here; `make fuzz` tries them for longer."""

from __future__ import annotations

from hypothesis import settings

# A machine that is busy is no reason to fail.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")
