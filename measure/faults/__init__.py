"""Puts load on balancers while their origins break in every way, and counts what was lost."""
