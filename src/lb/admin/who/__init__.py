"""Who an operator is, decided from values."""
