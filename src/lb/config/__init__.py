"""Configuration in, trustworthy objects out: one model and one validation for all ways in."""

from lb.config.document import Invalid, Parsed, json_schema, parse
from lb.config.problems import Problem
from lb.config.toml import from_toml
from lb.config.variables import from_variables

__all__ = [
    "Invalid",
    "Parsed",
    "Problem",
    "from_toml",
    "from_variables",
    "json_schema",
    "parse",
]
