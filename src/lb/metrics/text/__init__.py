"""The metrics in the text format of OpenMetrics."""
