"""General tools, independent of load balancing."""
