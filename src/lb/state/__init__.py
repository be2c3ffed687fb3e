"""What an isolate knows, and how it learns what all isolates know."""
