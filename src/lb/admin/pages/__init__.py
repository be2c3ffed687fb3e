"""Pages of the admin side."""
