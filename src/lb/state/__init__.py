"""Health and configuration in an isolate, and how both are kept up to date."""
