"""The admin side's part of the runtime."""
