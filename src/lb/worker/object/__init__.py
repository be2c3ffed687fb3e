"""The Durable Object's ports over the runtime."""
