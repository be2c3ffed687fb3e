"""`evenkeel explain`."""
