"""One request: what it says, and what an attempt brought."""
