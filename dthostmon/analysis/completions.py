"""Lines that may complete a sequence: kept back until what came before is known, bounded whatever a host writes."""

from dthostmon.analysis.batch import Batch, Sighting
from dthostmon.rules import TrailKey

# different lines of one rule, and of all; of equal ones the first two and the last count
MAX_COMPLETIONS_PER_RULE = 500
MAX_COMPLETIONS = 2000
EQUAL_COMPLETIONS = 3


class Completions:
    """Such lines of one visit."""

    def __init__(self) -> None:
        self._by_rule: dict[str, dict[TrailKey, list[Sighting]]] = {}  # and by the values of its fields

    @property
    def lines(self) -> list[Sighting]:
        """The lines that were kept."""
        return [one for by_values in self._by_rule.values() for kept in by_values.values() for one in kept]

    def keep(self, batch: Batch) -> Batch:
        """Keep the lines of a batch, and return those for which there is no room."""
        rows = list(batch.rows(batch.columns) or ())
        completions = self._by_rule.setdefault(batch.rule.id, {})
        room = min(MAX_COMPLETIONS_PER_RULE - len(completions), MAX_COMPLETIONS - sum(map(len, self._by_rule.values())))
        if room <= 0 and not any(map(completions.__contains__, rows)):
            return batch
        left = []
        for place, values in enumerate(rows):
            kept = completions.get(values)
            if kept is None:
                if room <= 0:
                    left.append(place)
                else:
                    room -= 1
                    completions[values] = [batch.sighting(place)]
            elif len(kept) < EQUAL_COMPLETIONS:
                kept.append(batch.sighting(place))
            else:
                kept[-1] = batch.sighting(place)._replace(times=kept[-1].times + batch.counts[place])
        return batch.at(left)
