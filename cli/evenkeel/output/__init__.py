"""What the commands share in what they print, and how they fail."""
