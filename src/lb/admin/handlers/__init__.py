"""What operators ask of the Durable Object, and its answers."""
