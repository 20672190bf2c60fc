"""Whether a model is asked about a host at all: only of what is new, loud, in sequence or known for bad. Pure."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from dthostmon.analysis import Examination
from dthostmon.judge.recurrence import Matter
from dthostmon.model import Finding, FindingSource, History, Severity

ADDRESS = "address"  # the field of rules that tells who came from elsewhere
PROGRAM = "program"  # and that of findings about templates that tells who wrote it


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


def matters(examined: Examination, history: History, sequences: Collection[str] = frozenset()) -> frozenset[Matter]:
    """Name what opens the gate and may recur, the same from visit to visit: all but what `holds_bad_news` tells of.

    A rule's hit is named by the rule, how bad it is and what it is about. Only where strangers are told by their
    addresses these are left out, and all that such strangers choose: there is a new one at every visit. Not so where it
    is critical or a sequence: whoever got in is another matter each time. New messages of ordinary levels are named by
    their program: some write names and words without end.
    """
    return frozenset(
        _matter(finding, reason)
        for finding in examined.findings
        for reason in _reasons(finding, history, sequences, Severity.INFO)
        if not _is_bad_news(finding, history)
    )


def holds_bad_news(examined: Examination, history: History) -> bool:
    """Tell whether something new is an error by its own level, or is of more kinds than are told one by one."""
    return any(_is_bad_news(finding, history) for finding in examined.findings)


def _is_bad_news(finding: Finding, history: History) -> bool:
    is_ordinary = finding.severity is Severity.INFO and PROGRAM in finding.fields
    return is_of_new_template(finding, history) and not is_ordinary


def _matter(finding: Finding, reason: GateReason) -> Matter:
    name = (finding.rule or finding.kind, str(finding.severity))
    if reason is GateReason.NEW_TEMPLATE:
        return *name, finding.fields[PROGRAM]
    if reason is GateReason.RULE and ADDRESS in finding.fields and finding.severity < Severity.CRITICAL:
        return name
    return *name, *(f"{field}={value}" for field, value in sorted(finding.fields.items()))


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
