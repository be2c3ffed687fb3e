"""The edge: the only place, with entry.py, that knows JavaScript and the Workers runtime."""
