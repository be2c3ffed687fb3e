"""`evenkeel explain`, and what a configuration uses of the free plan."""
