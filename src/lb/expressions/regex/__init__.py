"""Regular expressions that are matched in linear time."""
