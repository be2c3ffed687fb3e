"""Notifications: which message is sent to whom, when, and how."""
