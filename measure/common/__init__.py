"""Parts that bench, faults and soak share."""
