"""What became of each line, for whoever wants to check the understanding line by line."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dthostmon import templates
from dthostmon.analysis.keys import KeyTable, Kind
from dthostmon.model import Finding, Severity
from dthostmon.rules import Match, RuleSet


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line's template and, where one decided, its rule.

    `severity` is that of the finding that the line is a part of; None for unmatched and benign lines.
    """

    template_id: str
    rule: str | None
    severity: Severity | None


def assign(logs: Sequence[tuple[str, bytes]], rules: RuleSet, findings: Sequence[Finding] = ()) -> Iterator[Assignment]:
    """Yield one assignment per line, in order, log after log; templates are the ones that `examine` counts.

    `findings` are what `examine` found in the same lines: many lines may be worse than one.
    """
    table, told = KeyTable(rules), _Told(findings)
    for path, data in logs:
        for block in templates.blocks(data):
            keys, lines = templates.split_keys(block), templates.split_lines(block)
            found = table.look_up(keys, lines)
            for key, template, line in zip(found, table.templates_of(path, found), lines, strict=True):
                yield told.assignment(key.kind, template.id, path, line)


class _Told:
    """The findings, as far as a single line asks for them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._by_rule: dict[str | None, list[Finding]] = defaultdict(list)
        self._by_line: dict[str, Finding] = {}
        for finding in sorted(findings, key=lambda finding: finding.severity):
            self._by_rule[finding.rule].append(finding)
            self._by_line |= {line.id: finding for line in finding.evidence if line.id}

    def assignment(self, kind: Kind, template_id: str, path: str, line: bytes) -> Assignment:
        match = kind.reading.match(templates.clean(line)) if kind.reading.candidates else None
        if match is None:
            return Assignment(template_id, None, None)
        shown = self._by_line.get(templates.line_id(path, line)) if kind.reading.may_tell else None
        severities = [match.rule.severity, *self._severities(match), shown.severity if shown else None]
        worst = max((severity for severity in severities if severity), default=None)
        rule = shown.rule if shown and shown.rule and shown.severity is worst else match.rule.id
        return Assignment(template_id, rule, worst)

    def _severities(self, match: Match) -> Iterator[Severity]:
        for finding in self._by_rule.get(match.rule.id, ()):
            if all(finding.fields.get(name) == match.fields.get(name) for name in match.rule.group_by):
                yield finding.severity
