"""What is known of origins, and who can take traffic."""
