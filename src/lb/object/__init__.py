"""The Durable Object, without its runtime."""
