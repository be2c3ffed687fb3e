"""Whom to tell what, when and how."""
