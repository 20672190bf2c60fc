"""A model is asked about what is new, loud, in sequence or known for bad, and about nothing else."""

import pytest

from dthostmon.judge.gate import GateReason, opens
from dthostmon.model import Finding, FindingSource, Severity
from tests.fixtures.evidence import a_finding, a_history, a_template, examined, known, of_template, really_examined

ENTRY = a_template(1, level=3)
DISK = a_finding("limits.disk", source=FindingSource.THRESHOLD)
BURST = of_template(ENTRY, "burst", FindingSource.BURST)
SEVERE = of_template(ENTRY, "severe-message", severity=Severity.WARN)


def test_nothing_found_is_nothing_to_ask_about() -> None:
    assert opens(examined(), a_history()) == ()
    assert opens(examined(seen=[ENTRY]), a_history({"t-1": known()})) == ()


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        (of_template(ENTRY), GateReason.NEW_TEMPLATE),
        (SEVERE, GateReason.NEW_TEMPLATE),
        (BURST, GateReason.BURST),
        (a_finding("sshd.login-after-brute-force"), GateReason.SEQUENCE),
        (a_finding("sshd.failed-password", Severity.INFO), GateReason.RULE),
    ],
)
def test_each_reason_opens_it(finding: Finding, reason: GateReason) -> None:
    assert opens(examined([finding, DISK, finding]), a_history(), {"sshd.login-after-brute-force"}) == (reason,)


def test_all_reasons_are_told_in_one_order() -> None:
    findings = [a_finding(), BURST, a_finding("a.sequence"), of_template(ENTRY)]
    assert opens(examined(findings), a_history(), {"a.sequence"}) == tuple(GateReason)
    assert opens(examined(findings[::-1]), a_history(), {"a.sequence"}) == tuple(GateReason)


def test_a_measured_value_over_its_threshold_needs_no_opinion() -> None:
    assert opens(examined([DISK]), a_history()) == ()


def test_a_critical_message_is_new_only_once() -> None:
    assert opens(examined([SEVERE]), a_history({"t-1": known()})) == ()


def test_notes_of_rules_can_be_left_unasked() -> None:
    notes = examined([a_finding("a.note", Severity.INFO)])
    assert opens(notes, a_history()) == (GateReason.RULE,)
    assert opens(notes, a_history(), least=Severity.WARN) == ()


def test_more_new_templates_than_are_told_open_it_too() -> None:
    more = Finding("new-message", Severity.INFO, "7 more kinds of message are new", FindingSource.NOVELTY, count=7)
    assert opens(examined([more]), a_history({"t-1": known()})) == (GateReason.NEW_TEMPLATE,)


def test_it_opens_on_what_the_real_analysis_finds() -> None:
    odd = "Jul 28 05:59:01 web1 frobnicator[12]: flux capacitor misaligned"
    assert opens(really_examined([odd], a_history()), a_history()) == (GateReason.NEW_TEMPLATE,)
    seen = really_examined([odd], a_history()).templates[0].template.id
    history = a_history({seen: known()})
    assert opens(really_examined([odd], history), history) == ()
    failed = "Jul 28 05:59:01 web1 sshd[12]: Failed password for root from 203.0.113.9 port 4242 ssh2"
    assert GateReason.RULE in opens(really_examined([failed] * 30, a_history()), a_history())
