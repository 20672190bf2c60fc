"""Whether a model is asked about a host at all: only of what is new, loud, in sequence or known for bad. Pure."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from dthostmon.analysis import Examination
from dthostmon.model import Finding, FindingSource, History, Severity


class GateReason(StrEnum):
    """Why a model is asked."""

    NEW_TEMPLATE = "new-template"
    BURST = "burst"
    SEQUENCE = "sequence"
    RULE = "rule"


def opens(
    examined: Examination,
    history: History,
    sequences: Collection[str] = frozenset(),
    least: Severity = Severity.INFO,
) -> tuple[GateReason, ...]:
    """Return why a model is asked about what was examined, each reason once; empty = the rules alone judge.

    `sequences` are the ids of the rules that are sequences, `least` is the least severity of a rule's hit that counts.
    A template counts as new where a finding says so: not what a rule understands, what somebody called normal, or what
    is new because everything is. A measured value over its threshold needs no opinion.
    """
    found = {reason for finding in examined.findings for reason in _reasons(finding, history, sequences, least)}
    return tuple(reason for reason in GateReason if reason in found)


def is_of_new_template(finding: Finding, history: History) -> bool:
    """Tell whether a finding is about a template that was never seen on this host before.

    What a program calls critical is told each time it says so, but is new only once.
    """
    return finding.source is FindingSource.NOVELTY and finding.fields.get("template") not in history.templates


def _reasons(finding: Finding, history: History, sequences: Collection[str], least: Severity) -> Iterator[GateReason]:
    if is_of_new_template(finding, history):
        yield GateReason.NEW_TEMPLATE
    elif finding.source is FindingSource.BURST:
        yield GateReason.BURST
    elif finding.source is FindingSource.RULE and finding.rule in sequences:
        yield GateReason.SEQUENCE
    elif finding.source is FindingSource.RULE and finding.severity >= least:
        yield GateReason.RULE
