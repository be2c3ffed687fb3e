"""`evenkeel check`."""
