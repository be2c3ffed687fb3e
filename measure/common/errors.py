"""The error that ends a measurement."""


class MeasurementError(Exception):
    """A measurement that cannot be made or carried on; the message says why."""
