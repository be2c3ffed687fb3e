"""Measures Evenkeel side by side with its alternatives, in one run on one machine."""
