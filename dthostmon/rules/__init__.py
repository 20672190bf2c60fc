"""Rules: what each program's messages mean. The engine, and one YAML pack per program with the samples that test it."""

from dthostmon.rules.loading import PackCheck, builtin_folder, check_packs, load_packs
from dthostmon.rules.rule import Match, Rule
from dthostmon.rules.ruleset import RuleSet, decide

__all__ = ["Match", "PackCheck", "Rule", "RuleSet", "builtin_folder", "check_packs", "decide", "load_packs"]
