"""The pages of the admin side."""
