"""Output and failures that all commands share."""
