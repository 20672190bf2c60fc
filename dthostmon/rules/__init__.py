"""Rules: what each program's messages mean. The engine, and one YAML pack per program with the samples that test it."""

from dthostmon.rules.counting import Clearing, Escalation, First, RuleSequence, Step
from dthostmon.rules.fields import normal_address, normal_addresses, rows_of, values_of
from dthostmon.rules.loading import PackCheck, builtin_folder, check_packs, load_packs
from dthostmon.rules.placeholders import fill
from dthostmon.rules.rule import MAX_VALUE_CHARACTERS, Match, Rule
from dthostmon.rules.ruleset import RuleSet, decide
from dthostmon.rules.trails import Trail, TrailKey, Watch, follows

__all__ = [
    "MAX_VALUE_CHARACTERS",
    "Clearing",
    "Escalation",
    "First",
    "Match",
    "PackCheck",
    "Rule",
    "RuleSequence",
    "RuleSet",
    "Step",
    "Trail",
    "TrailKey",
    "Watch",
    "builtin_folder",
    "check_packs",
    "decide",
    "fill",
    "follows",
    "load_packs",
    "normal_address",
    "normal_addresses",
    "rows_of",
    "values_of",
]
