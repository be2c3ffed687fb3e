"""Counts what happens, hands it to the Durable Object, and tells it to whoever asks."""
