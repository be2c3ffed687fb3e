"""The runtime's part of the admin side."""
