"""How an origin is asked, and what its reply means."""
