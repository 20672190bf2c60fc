"""Evidence is the same wherever and whenever the same happened, and the worst of it comes first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon.judge.evidence import (
    MAX_BACKGROUND,
    MAX_FINDINGS,
    MAX_FINDINGS_OF_A_RULE,
    MAX_NEW_TEMPLATES,
    SAMPLES_PER_TEMPLATE,
    HostEvidence,
    Record,
    RecordKind,
    Sample,
    bare,
    cache_key,
    gather,
)
from dthostmon.model import Evidence, Finding, FindingSource, History, Rates, Severity
from tests.fixtures.evidence import (
    AUTH_LOG,
    NOW,
    a_finding,
    a_history,
    a_host,
    a_line,
    a_template,
    examined,
    known,
    of_template,
    really_examined,
)

STEADY = Rates(1000, 900, 3600.0, (100.0,) * 10)


def failed(address: str = "203.0.113.9", host: str = "web1", pid: int = 12, clock: str = "05:59:01") -> str:
    return f"Jul 28 {clock} {host} sshd[{pid}]: Failed password for root from {address} port 4242 ssh2"


def kinds(evidence: HostEvidence) -> list[RecordKind]:
    return [record.kind for record in evidence.records]


def test_a_finding_of_a_rule_is_told_with_its_lines_and_where_they_stand() -> None:
    place = a_line(failed(), name="l-1", time=NOW)
    (record,) = gather(examined([a_finding("sshd.failed", lines=(place,), count=9)]), a_history(), a_host()).records
    assert record.content == {"severity": "WARN", "rule": "sshd.failed", "count": 9, "title": "something happened"}
    assert record.samples[0].text == "sshd: Failed password for root from 203.0.113.9 port 4242 ssh2"
    assert record.samples[0].place == place
    assert record.suspicious


@pytest.mark.parametrize(
    ("severity", "source", "suspicious"),
    [
        (Severity.INFO, FindingSource.RULE, False),
        (Severity.WARN, FindingSource.RULE, True),
        (Severity.CRITICAL, FindingSource.THRESHOLD, True),
    ],
)
def test_suspicious_is_what_a_rule_warns_of(severity: Severity, source: FindingSource, suspicious: bool) -> None:
    (record,) = gather(examined([a_finding(severity=severity, source=source)]), a_history(), a_host()).records
    assert record.suspicious is suspicious


def test_a_new_template_is_told_once_with_its_sample_and_what_is_noted_of_it() -> None:
    entry = a_template(1, 3, level=3)
    (record,) = gather(examined([of_template(entry)], [entry]), a_history(), a_host()).records
    assert record.kind is RecordKind.NEW
    assert record.content == {
        "severity": "INFO",
        "count": 3,
        "level": "error",
        "program": "app",
        "template": "kind b happened",
    }
    assert record.novel
    assert not record.suspicious
    assert [sample.text for sample in record.samples] == ["app: kind b happened"]


def test_a_burst_is_told_with_its_rate_and_the_usual_one() -> None:
    entry = a_template(1, 900)
    loud = of_template(entry, "burst", FindingSource.BURST)
    history = a_history({"t-1": known(STEADY)})
    (record,) = gather(examined([loud], [entry], {"t-1": STEADY}), history, a_host()).records
    assert record.kind is RecordKind.BURST
    assert (record.content["per_hour"], record.content["usual_per_hour"]) == (900, 100)
    assert not record.novel


def test_what_is_known_and_frequent_is_background_roughly_counted() -> None:
    seen = [a_template(number, 9999 - number) for number in range(MAX_BACKGROUND + 3)]
    history = a_history({entry.template.id: known(STEADY) for entry in seen})
    records = gather(examined(seen=seen), history, a_host()).records
    assert {record.kind for record in records} == {RecordKind.BACKGROUND}
    assert len(records) == MAX_BACKGROUND
    assert records[0].content["at_least"] == 1000
    assert records[0].content["usual_per_hour_at_least"] == 100
    later = [replace(entry, count=2000 + number) for number, entry in enumerate(seen)]
    assert cache_key(records) == cache_key(gather(examined(seen=later), history, a_host()).records)


def test_a_finding_is_told_with_how_often_its_lines_come_as_a_rule() -> None:
    lines = (a_line(failed()), a_line(failed("203.0.113.10")), a_line("Jul 28 05:59:01 web1 sshd[9]: another kind"))
    first, _, other = (record.template for record in _samples(lines))
    told = a_finding("sshd.failed", lines=lines)

    def record(history: History) -> Record:
        (only,) = gather(examined([told]), history, a_host()).records
        return only

    assert "usual_per_hour_at_least" not in record(a_history()).content, "nobody knows"
    assert "usual_per_hour_at_least" not in record(a_history({first: known()})).content, "nobody knows yet"
    assert record(a_history({first: known(STEADY)})).content["usual_per_hour_at_least"] == 100
    busier = replace(STEADY, recent=(450.0,) * 10)
    both = record(a_history({first: known(busier), other: known(busier)}))
    assert both.content["usual_per_hour_at_least"] == 100
    assert both.canonical == record(a_history({first: known(STEADY), other: known(STEADY)})).canonical
    louder = record(a_history({first: known(replace(STEADY, recent=(900.0,) * 10)), other: known(STEADY)}))
    assert louder.content["usual_per_hour_at_least"] == 1000


def _samples(lines: tuple[Evidence, ...]) -> tuple[Sample, ...]:
    (record,) = gather(examined([a_finding(lines=lines)]), a_history(), a_host()).records
    return record.samples


def test_on_a_first_visit_nothing_is_new() -> None:
    evidence = gather(examined(seen=[a_template(1)]), a_history(runs=0), a_host())
    assert kinds(evidence) == [RecordKind.BACKGROUND]


def test_a_template_that_a_finding_shows_is_told_once_and_makes_it_novel() -> None:
    lines = [failed()]
    history = a_history()
    told = gather(really_examined(lines, history), history, a_host())
    assert kinds(told) == [RecordKind.FINDING]
    assert told.records[0].novel
    template = really_examined(lines, history).templates[0].template.id
    before = a_history({template: known()})
    assert not gather(really_examined(lines, before), before, a_host()).records[0].novel


def test_what_was_found_before_is_told_without_its_words_and_is_no_evidence() -> None:
    earlier = [a_finding("disk.full", title="/home is full"), a_finding("disk.full"), a_finding("x", Severity.INFO)]
    (record,) = gather(examined(), a_history(), a_host(), earlier).records
    assert record.content == {"severity": "WARN", "rule": "disk.full"}
    assert not record.kind.citable


def test_changes_are_new_and_told_each_once() -> None:
    evidence = gather(examined(), a_history(), a_host(), changes=["b listens", "a listens", "b listens"])
    assert [record.content["change"] for record in evidence.records] == ["a listens", "b listens"]
    assert all(record.novel for record in evidence.records)


def test_the_worst_comes_first() -> None:
    new, loud, usual = a_template(1), a_template(2), a_template(3)
    findings = [
        a_finding("a.note", Severity.INFO),
        a_finding("b.bad", Severity.CRITICAL),
        a_finding("c.warning"),
        of_template(new),
        of_template(loud, "burst", FindingSource.BURST, Severity.WARN),
    ]
    history = a_history({"t-2": known(), "t-3": known()})
    evidence = gather(examined(findings, [new, loud, usual]), history, a_host(), [a_finding()], ["a change"])
    assert kinds(evidence)[0] is RecordKind.FINDING
    assert [record.importance for record in evidence.records] == sorted(
        (record.importance for record in evidence.records), reverse=True
    )
    assert kinds(evidence)[3:] == [
        RecordKind.CHANGE,
        RecordKind.NEW,
        RecordKind.FINDING,
        RecordKind.EARLIER,
        RecordKind.BACKGROUND,
    ]


def test_two_samples_at_most_of_each_template_are_shown() -> None:
    lines = tuple(a_line(failed(f"203.0.113.{number}")) for number in range(5))
    accepted = a_line("Jul 28 05:59:09 web1 sshd[9]: Accepted password for root from 203.0.113.9 port 4242 ssh2")
    findings = [a_finding("a.first", Severity.CRITICAL, lines=(*lines, accepted)), a_finding("b.second", lines=lines)]
    first, second = gather(examined(findings), a_history(), a_host()).records
    assert len(first.samples) == SAMPLES_PER_TEMPLATE + 1
    assert first.samples[-1].place == accepted
    assert second.samples == ()


def test_what_is_not_even_a_record_is_counted() -> None:
    findings = [a_finding(f"a.{number}") for number in range(MAX_FINDINGS + 3)]
    seen = [a_template(number) for number in range(MAX_NEW_TEMPLATES + 4)]
    evidence = gather(examined(findings, seen), a_history(), a_host())
    assert len(evidence.records) == MAX_FINDINGS + MAX_NEW_TEMPLATES
    assert evidence.more == 7


def test_a_rule_does_not_take_the_room_of_the_others() -> None:
    findings = [a_finding("a.rule", title=f"{number} knocks", count=9) for number in range(50)]
    evidence = gather(examined([*findings, a_finding("b.rule", count=1)]), a_history(), a_host())
    assert [record.content["rule"] for record in evidence.records] == ["a.rule"] * MAX_FINDINGS_OF_A_RULE + ["b.rule"]
    assert evidence.more == 50 - MAX_FINDINGS_OF_A_RULE


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (failed(), "sshd: Failed password for root from 203.0.113.9 port 4242 ssh2"),
        ("2026-07-28T05:59:01.123456+00:00 web1 cron[7]: (root) CMD (true)", "cron: (root) CMD (true)"),
        ("<86>1 2026-07-28T05:59:01Z web1 su 7 - - failed", "su: failed"),
        (
            '203.0.113.9 - - [28/Jul/2026:05:59:01 +0000] "GET / HTTP/1.1" 200 5',
            '203.0.113.9 - - [] "GET / HTTP/1.1" 200 5',
        ),
        ("a line of nothing known", "a line of nothing known"),
    ],
)
def test_a_line_is_shown_without_when_and_where(line: str, shown: str) -> None:
    assert bare(line) == shown


def test_the_key_is_the_same_on_every_host_and_at_every_time() -> None:
    def key(host: str, pid: int, clock: str, hours: int) -> str:
        history = replace(a_history(), last_run_at=NOW - timedelta(hours=hours))
        lines = [failed(host=host, pid=pid, clock=clock)] * 3 + [f"Jul 28 {clock} {host} odd[{pid}]: never seen"]
        evidence = gather(really_examined(lines, history), history, a_host(host, site=host))
        return cache_key(evidence.records, evidence.role)

    assert key("web1", 12, "05:59:01", 1) == key("db-17.example.org", 4711, "03:12:44", 7)


def test_the_key_does_not_ask_which_of_two_came_first() -> None:
    def key(clocks: tuple[str, str]) -> str:
        lines = [a_line(f"Jul 28 {clock} web1 app[1]: {text}") for clock, text in zip(clocks, "ab", strict=True)]
        entries = [a_template(1, 50), a_template(2, 50)]
        if clocks[0] > clocks[1]:
            entries.reverse()
        loud = [of_template(entry, "burst", FindingSource.BURST) for entry in entries]
        findings = [*(a_finding(lines=(line,)) for line in lines), *loud]
        return cache_key(gather(examined(findings, entries), a_history(), a_host()).records)

    assert key(("05:59:01", "05:59:02")) == key(("05:59:02", "05:59:01"))


def test_other_evidence_or_another_role_has_another_key() -> None:
    def key(finding: Finding, role: str = "web") -> str:
        return cache_key(gather(examined([finding]), a_history(), a_host()).records, role)

    line = a_line(failed())
    first = a_finding(lines=(line,))
    others = [
        replace(first, count=2),
        replace(first, title="another thing happened"),
        replace(first, severity=Severity.INFO),
        replace(first, rule="demo.other"),
        replace(first, evidence=(a_line(failed("203.0.113.10")),)),
        replace(first, evidence=(replace(line, path=AUTH_LOG + ".1"),)),
    ]
    keys = [key(first), *map(key, others), key(first, "db")]
    assert len(set(keys)) == len(keys)
    assert key(first) == key(replace(first, evidence=(replace(line, id="l-9", time=NOW),), recommended_action="web1"))


FINDINGS = st.builds(
    a_finding,
    st.sampled_from(["a.one", "b.two", "c.three"]),
    st.sampled_from(Severity),
    st.text(max_size=6),
    st.integers(1, 4),
    st.lists(st.builds(a_line, st.text(max_size=20), st.sampled_from([AUTH_LOG, "/x"])), max_size=3).map(tuple),
)
ENTRIES = st.lists(
    st.builds(a_template, st.integers(0, 60), st.integers(1, 5), st.just(""), st.text(max_size=20), st.integers(0, 7)),
    max_size=40,
    unique_by=lambda entry: entry.template.id,
)


@settings(max_examples=60)
@given(st.lists(FINDINGS, max_size=12), ENTRIES, st.lists(st.text(max_size=9), max_size=5), st.randoms())
def test_the_order_of_what_comes_in_does_not_matter(findings, seen, changes, random) -> None:  # type: ignore[no-untyped-def]  # hypothesis
    history = a_history({f"t-{number}": known(STEADY) for number in range(0, 60, 2)})
    earlier = findings[:2]
    one = gather(examined(findings, seen), history, a_host(), earlier, changes)
    for mixed in (findings, seen, changes):
        random.shuffle(mixed)
    other = gather(examined(findings, seen), history, a_host(), earlier[::-1], changes)
    assert [record.canonical for record in one.records] == [record.canonical for record in other.records]
    assert cache_key(one.records) == cache_key(other.records)
