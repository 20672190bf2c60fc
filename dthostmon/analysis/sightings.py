"""What the rules saw in the lines of one visit, before anybody asks what it means on this host."""

from itertools import islice

from dthostmon.analysis.batch import Batch
from dthostmon.analysis.completions import Completions
from dthostmon.analysis.grouping import Grouping
from dthostmon.analysis.watching import WatchedTrails
from dthostmon.rules import First, Rule, RuleSet, TrailKey

MAX_FIRST_VALUES = 2000
MAX_CLEARED = 2000
MAX_CLEARINGS = 20  # of one rule and its values


class Sightings:
    """Gathers what the rules decide; bounded, whatever a host writes."""

    def __init__(self, rules: RuleSet) -> None:
        self.grouping = Grouping()
        self.first_values: dict[str, dict[TrailKey, None]] = {}  # what a first sight is asked of, by rule
        self.trails = WatchedTrails(rules)
        self.completions = Completions()
        self.cleared: dict[TrailKey, list[float]] = {}
        self._rules = rules

    def add(self, batch: Batch) -> None:
        """Take lines that a rule decided.

        Lines that may complete a sequence are kept back until what came before them is known.
        """
        rule = batch.rule
        self.trails.add(batch)
        for cleared in self._rules.clears(rule):
            self._clear(cleared, batch)
        if rule.first:
            self._note_values(rule.first, batch)
        if self._rules.completed_by(rule):
            batch = self.completions.keep(batch)
        if rule.speaks and batch.lines:
            self.grouping.add(batch)

    def _note_values(self, first: First, batch: Batch) -> None:
        """Note of which values somebody may ask whether they were ever seen."""
        known = self.first_values.setdefault(batch.rule.id, {})
        if (free := MAX_FIRST_VALUES - len(known)) > 0:
            known |= dict.fromkeys(islice(batch.first_values(first), free))

    def _clear(self, cleared: Rule, batch: Batch) -> None:
        """Note when lines showed that those of another rule were no trouble."""
        by = cleared.cleared_by.by if cleared.cleared_by else ()
        for values, moments in zip(batch.rows(by) or (), batch.moments, strict=False):
            times = self.cleared.get((cleared.id, *values))
            if times is None:
                if len(self.cleared) < MAX_CLEARED:
                    self.cleared[cleared.id, *values] = [moments.seconds]
            elif len(times) < MAX_CLEARINGS:
                times.append(moments.seconds)
            else:
                times[-1] = moments.seconds
