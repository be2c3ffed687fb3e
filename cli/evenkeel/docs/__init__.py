"""What is generated for docs/."""
