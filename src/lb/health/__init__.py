"""The health of origins, and which of them can take traffic."""
