"""Serves for an hour with an origin that fails now and then, and looks what becomes of it."""
