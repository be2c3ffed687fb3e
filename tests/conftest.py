"""What holds for all tests: how long properties are tried, and how children take signals."""

from __future__ import annotations

from hypothesis import settings

from support import interrupts

interrupts.give_children_the_default()

# `make fuzz` tries properties for longer. A machine that is busy is no reason to fail.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")
