"""What is known of a host when its lines are judged: its history, whether that is enough, and what rules understand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dthostmon import templates
from dthostmon.model import History, KnownTemplate, Learning, TemplateCount
from dthostmon.rules import RuleSet, decide

CRITICAL_LEVEL = 2  # syslog: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning
ERROR_LEVEL = 3
WARNING_LEVEL = 4


def is_learned(history: History, learning: Learning, now: datetime) -> bool:
    """Tell whether enough is known of a host for what is new to mean something."""
    if history.first_run_at is None:
        return False
    return history.runs >= learning.runs or now - history.first_run_at >= timedelta(seconds=learning.period)


@dataclass(frozen=True, slots=True)
class Familiarity:
    """How well a host is known. `host` is its name, as commands that people are told of need it."""

    rules: RuleSet
    history: History
    learned: bool
    now: datetime
    host: str

    def of(self, entry: TemplateCount) -> KnownTemplate | None:
        """Return what the host's history has of a template."""
        return self.history.templates.get(entry.template.id)

    def is_normal(self, entry: TemplateCount) -> bool:
        """Tell whether somebody called a template normal, and that still holds."""
        known = self.of(entry)
        return known is not None and known.normal_until is not None and known.normal_until > self.now

    def is_understood(self, entry: TemplateCount) -> bool:
        """Tell whether a rule knows what the template's lines mean, good or bad."""
        line = templates.take_apart(entry.sample)
        return decide(self.rules.candidates(line.program, line.message), line.message) is not None
