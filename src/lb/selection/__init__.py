"""Which pool and which origin: pins and orders."""
