"""Metrics: counters of isolates, totals, charts, and their formats."""
