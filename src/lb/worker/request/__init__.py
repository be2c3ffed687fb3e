"""Requests between the runtime and the balancer."""
