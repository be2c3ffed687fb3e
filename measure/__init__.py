"""Measurements of Evenkeel and its peers: cost, faults, and an hour of service."""
