"""Handlers of operators' calls in the Durable Object."""
