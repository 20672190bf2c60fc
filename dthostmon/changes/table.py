"""How much an unexpected change matters: the table beside this module, which a configuration may overrule. Pure but for
reading it once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dthostmon.changes.wording import Wording
from dthostmon.model import Severity, ThingKind

TABLE = Path(__file__).with_name("table.yaml")
APPEARED, GONE, CHANGED = "appeared", "gone", "changed"


Conditions = Mapping[str, re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: `now` are conditions on a thing as it is, or as it was where it is gone; `before` on what
    it was before it changed. With `any_field` it fits whichever field changed.
    """

    id: str
    kind: ThingKind
    when: frozenset[str]
    now: Conditions
    before: Conditions
    severity: Severity
    reason: str
    action: str
    any_field: bool

    def fits(self, kind: ThingKind, wording: Wording) -> bool:
        """Tell whether it is about a change."""
        happened = how(wording)
        if kind is not self.kind or happened not in self.when:
            return False
        if happened != CHANGED:
            return _hold(self.now, wording.values if happened == APPEARED else wording.values_before)
        held = _hold(self.now, wording.values) and _hold(self.before, wording.values_before)
        return held and (self.any_field or not self.now or self._is_touched(wording))

    def _is_touched(self, wording: Wording) -> bool:
        return any(wording.values.get(name) != wording.values_before.get(name) for name in self.now)


def _hold(conditions: Conditions, values: Mapping[str, str]) -> bool:
    return all(pattern.fullmatch(values.get(name, "")) for name, pattern in conditions.items())


def how(wording: Wording) -> str:
    """Say what happened to a thing: appeared, gone or changed."""
    if wording.before is None:
        return APPEARED
    return GONE if wording.after is None else CHANGED


def entry_of(kind: ThingKind, wording: Wording) -> Entry | None:
    """Return the entry that decides about a change; None: it is a note."""
    return next((entry for entry in entries() if entry.fits(kind, wording)), None)


@cache
def entries() -> tuple[Entry, ...]:
    """Return the table."""
    return tuple(map(_entry, yaml.load(TABLE.read_bytes(), Loader=yaml.CSafeLoader)))  # it is a safe loader


def _entry(row: Mapping[str, Any]) -> Entry:
    when = row["when"]
    return Entry(
        id=row["id"],
        kind=ThingKind(row["kind"]),
        when=frozenset(when if isinstance(when, list) else [when]),
        now=_conditions(row.get("is", {})),
        before=_conditions(row.get("was", {})),
        severity=Severity[row["severity"]],
        reason=row["reason"],
        action=row["action"],
        any_field=row.get("any_field", False),
    )


def _conditions(written: Mapping[str, str]) -> Conditions:
    return {name: re.compile(expression) for name, expression in written.items()}
