"""Probes: what is sent to an origin, and the verdict on its reply."""
