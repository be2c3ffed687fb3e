"""The Durable Object's side of the runtime."""
