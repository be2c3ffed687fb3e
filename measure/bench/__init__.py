"""Measures Evenkeel and its alternatives in one run on one machine."""
