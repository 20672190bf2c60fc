"""The configuration: one YAML file, overrides from the environment, and every problem at once."""

from dthostmon.config.configuration import Configuration, changed
from dthostmon.config.example import example_text
from dthostmon.config.json_schema import schema
from dthostmon.config.loading import find_file, load
from dthostmon.config.models import Settings
from dthostmon.config.shown import EffectiveValue, effective_values
from dthostmon.config.starter import COMMON_LOGS, starter_text

__all__ = [
    "COMMON_LOGS",
    "Configuration",
    "EffectiveValue",
    "Settings",
    "changed",
    "effective_values",
    "example_text",
    "find_file",
    "load",
    "schema",
    "starter_text",
]
