"""Reads a configuration from a document, a file or variables: one model, one validation."""

from lb.config.document import Invalid, Parsed, Source, json_schema, parse
from lb.config.objects.admin_fields import admin_of
from lb.config.reading.problems import Problem
from lb.config.toml import from_toml, source_in_toml
from lb.config.variables import from_variables, source_in

__all__ = [
    "Invalid",
    "Parsed",
    "Problem",
    "Source",
    "admin_of",
    "from_toml",
    "from_variables",
    "json_schema",
    "parse",
    "source_in",
    "source_in_toml",
]
