"""The facts of one request, and the outcomes of its attempts."""
