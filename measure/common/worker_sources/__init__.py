"""Workers for comparison with Evenkeel; each reads its origins from origins.json."""
