"""How well lines are grouped by template, on labelled logs, one configuration for all of them.

    python bench/grouping.py [FOLDER]

FOLDER (or $LOGHUB) holds *.log files (raw lines) with their *.log_structured.csv, as loghub publishes them. A line
counts as grouped well when its template holds just the lines that have its label.
"""

import argparse
import csv
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import Limit, publish

from dthostmon.analysis import assign
from dthostmon.rules import RuleSet

LEAST_ACCURACY = 0.90


def grouping_accuracy(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield the name of each labelled log and the share of its lines that are grouped well."""
    for log in sorted(folder.glob("*.log")):
        labels_file = Path(f"{log}_structured.csv")
        if labels_file.is_file():
            yield log.stem, _accuracy(_labels(labels_file), _templates(log))


def _labels(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as opened:
        return [row["EventId"] for row in csv.DictReader(opened)]


def _templates(log: Path) -> list[str]:
    """Return the template of each line, from the same code as `analyze --json --assign`."""
    return [one.template_id for one in assign([(log.name, log.read_bytes())], RuleSet(()))]


def _accuracy(labels: Sequence[str], found: Sequence[str]) -> float:
    if len(labels) != len(found):
        raise SystemExit(f"{len(labels)} labels for {len(found)} lines: the files do not belong together")
    by_label, by_group = Counter(labels), Counter(found)
    pairs = Counter(zip(labels, found, strict=True))
    agreed = (count for (label, group), count in pairs.items() if count == by_label[label] == by_group[group])
    return sum(agreed) / len(labels)


def main() -> int:
    """Measure, print a table, and write the results; without labelled logs nothing is measured, and that is said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("LOGHUB"))
    folder = parser.parse_args().folder
    accuracies = dict(grouping_accuracy(Path(folder))) if folder else {}
    if not accuracies:
        print("grouping accuracy: not measured; name a folder of labelled logs, or set LOGHUB", file=sys.stderr)
        return 0
    for name, accuracy in accuracies.items():
        print(f"grouping accuracy {name:<20}{accuracy:>9.3f}")
    average = statistics.mean(accuracies.values())
    figures = {"accuracy": {name: round(accuracy, 4) for name, accuracy in accuracies.items()}}
    limits = [Limit("grouping accuracy, average", average, LEAST_ACCURACY, is_ceiling=False)]
    return publish("grouping", {"sets": sorted(accuracies)}, figures, limits)


if __name__ == "__main__":
    sys.exit(main())
