"""Puts load on balancers while their origins fail in every way, and counts lost requests."""
