"""What a line's own level is worth: the program knows how bad it is, not what it means."""

from dthostmon import templates
from dthostmon.model import TemplateCount
from dthostmon.rules import RuleSet, decide

CRITICAL_LEVEL = 2  # syslog: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning
ERROR_LEVEL = 3
WARNING_LEVEL = 4


def is_understood(entry: TemplateCount, rules: RuleSet) -> bool:
    """Tell whether a rule knows what the template's lines mean, good or bad."""
    line = templates.take_apart(entry.sample)
    return decide(rules.candidates(line.program, line.message), line.message) is not None
