"""Serves for an hour with an origin that fails now and then, and watches the runtime."""
