"""The Workers that are measured beside Evenkeel; each reads its origins from origins.json."""
