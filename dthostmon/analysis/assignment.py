"""What became of each line, for whoever wants to check the understanding line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dthostmon import templates
from dthostmon.analysis.keys import Key, KeyTable
from dthostmon.model import Severity
from dthostmon.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line's template and, where one decided, its rule.

    `severity` is the rule's own, whatever its threshold makes of a few; None for unmatched and benign lines.
    """

    template_id: str
    rule: str | None
    severity: Severity | None


def assign(logs: Sequence[tuple[str, bytes]], rules: RuleSet) -> Iterator[Assignment]:
    """Yield one assignment per line, in order, log after log; templates are the ones that `examine` counts."""
    table = KeyTable(rules)
    for _, data in logs:
        for block in templates.blocks(data):
            keys, lines = templates.split_keys(block), templates.split_lines(block)
            known = table.look_up(dict.fromkeys(keys), keys, lines)
            for key, line in zip(keys, lines, strict=True):
                yield _assignment(known[key], line)


def _assignment(key: Key, line: bytes) -> Assignment:
    match, _ = key.judge(templates.clean(line)) if key.candidates else (None, 1)
    template = key.tally.template.id
    return Assignment(template, match.rule.id, match.rule.severity) if match else Assignment(template, None, None)
