"""What a model is shown of a host: records in an order of their own, the most important first. Pure.

A record holds nothing that differs where the same happened on another host or at another time: no name of the host, no
stamp, no process id of a line's header. What it was made of, with its times, stands beside it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from heapq import nsmallest
from itertools import islice
from json import JSONEncoder

from dthostmon import templates
from dthostmon.analysis import Examination
from dthostmon.analysis.familiarity import WARNING_LEVEL
from dthostmon.analysis.rates import hourly, usual
from dthostmon.judge.gate import is_of_new_template
from dthostmon.model import Evidence, Finding, FindingSource, History, Host, Severity, TemplateCount

MAX_FINDINGS = 40
MAX_FINDINGS_OF_A_RULE = 5  # one rule has a finding for each address that knocks
MAX_NEW_TEMPLATES = 20
MAX_CHANGES = 20
MAX_EARLIER = 5
MAX_BACKGROUND = 6
SAMPLES_PER_TEMPLATE = 2

NEW_MESSAGE = "new-message"
LEVEL_WORDS = ("emergency", "alert", "critical", "error", "warning", "notice", "information", "debug")
_IMPORTANCE = {Severity.CRITICAL: 90, Severity.WARN: 70, Severity.INFO: 40}
NEW_IMPORTANCE = 5  # beside a finding of a rule of the same severity: nobody has judged it yet
CHANGE_IMPORTANCE = 50
NEW_AND_BAD_IMPORTANCE = 35
NEW_ONLY_IMPORTANCE = 30
EARLIER_IMPORTANCE = 20
BACKGROUND_IMPORTANCE = 10

_in_json = JSONEncoder(sort_keys=True, separators=(",", ":")).encode
Content = Mapping[str, str | int]


class RecordKind(StrEnum):
    """What a record tells of."""

    FINDING = "finding"
    NEW = "new"
    BURST = "burst"
    CHANGE = "change"
    EARLIER = "earlier"
    BACKGROUND = "background"

    @property
    def citable(self) -> bool:
        """Whether a model may rest a finding on it: what was told before is no evidence of what is now."""
        return self is not RecordKind.EARLIER


@dataclass(frozen=True, slots=True)
class Sample:
    """A line as it is shown, without the header that says when, where and by which process it was written.

    `template` is the id of its template, `place` the line itself: its log, its id, its time.
    """

    text: str
    template: str
    place: Evidence


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of evidence. `content` is what is told of it, `samples` are lines that show it.

    `novel`: never seen on this host before. `suspicious`: a rule calls it a warning or worse. The least important
    records are the first to be left out.
    """

    kind: RecordKind
    content: Content
    importance: int
    samples: tuple[Sample, ...] = ()
    novel: bool = False
    suspicious: bool = False

    @property
    def canonical(self) -> str:
        """The record in one line, without what differs from host to host and from time to time."""
        lines = [[sample.place.path, sample.text] for sample in self.samples]
        told = [self.kind, self.content, self.novel, self.suspicious, lines]
        return _in_json(told)


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """What there is to show of one host. `more` counts what is not even among the records."""

    host: str
    site: str | None
    role: str
    visits: int
    records: tuple[Record, ...]
    more: int = 0


def cache_key(records: Sequence[Record], role: str = "") -> str:
    """Name the evidence: the same records of hosts of the same role have the same key, whenever and wherever."""
    text = "\n".join([role, *(record.canonical for record in records)])
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def gather(
    examined: Examination,
    history: History,
    host: Host,
    earlier: Sequence[Finding] = (),
    changes: Sequence[str] = (),
) -> HostEvidence:
    """Return the evidence of one examination; the order of what comes in does not matter.

    `earlier` are the last findings of the host before this examination, `changes` tell of facts in one sentence each.
    """
    findings = [one for one in examined.findings if not _is_of_template(one)]
    shown = tuple(islice(_few_of_a_rule(sorted(findings, key=_worst_first)), MAX_FINDINGS))
    told = sorted(set(changes))
    gathering = _Gathering(examined, history)
    records = [
        *map(gathering.finding, shown),
        *map(_change, told[:MAX_CHANGES]),
        *_earlier(earlier),
        *gathering.bursts(),
    ]
    new, known = gathering.untold({sample.template for record in records for sample in record.samples})
    records += map(gathering.new, nsmallest(MAX_NEW_TEMPLATES, new, key=gathering.newest_first))
    records += map(gathering.background, nsmallest(MAX_BACKGROUND, known, key=_most_frequent_first))
    records.sort(key=_in_order)
    more = len(findings) - len(shown) + max(0, len(new) - MAX_NEW_TEMPLATES) + max(0, len(told) - MAX_CHANGES)
    return HostEvidence(host.name, host.site, host.role, history.runs, tuple(_sampled(records)), more)


def bare(line: str) -> str:
    """Return a line without the header that says when, on which host and by which process it was written.

    The program stays, and of a line of another kind all but its stamp.
    """
    parsed = templates.take_apart(line)
    header = line[: -len(parsed.message)] if parsed.message and line.endswith(parsed.message) else ""
    if parsed.program and parsed.program in header:
        return f"{parsed.program}: {parsed.message}"
    return line.replace(parsed.time, "", 1).strip() if parsed.time else line


class _Gathering:
    """One examination, and what of it is new, loud and noted as new, by the id of the template."""

    def __init__(self, examined: Examination, history: History) -> None:
        self._history = history
        self._rates = examined.learned.rates
        self._templates = {entry.template.id: entry for entry in examined.templates}
        self._new = self._templates.keys() - history.templates.keys() if history.runs else set()
        self._noted: dict[str, Severity] = {}
        self._loud: dict[str, Finding] = {}
        for one in examined.findings:
            template = one.fields.get("template", "")
            if template in self._templates and one.source is FindingSource.BURST:
                self._loud[template] = one
            elif template in self._templates and one.kind == NEW_MESSAGE:
                self._noted[template] = one.severity

    def finding(self, finding: Finding) -> Record:
        """Return the record of a finding that is not about a template alone."""
        samples = tuple(map(_sample, finding.evidence))
        novel = is_of_new_template(finding, self._history) or any(one.template in self._new for one in samples)
        content = _present(
            severity=str(finding.severity),
            rule=finding.rule or finding.kind,
            count=finding.count,
            title=_with_plain_masks(finding.title),
        )
        content |= self._usual(sample.template for sample in samples)
        importance = _IMPORTANCE[finding.severity] + (NEW_IMPORTANCE if novel else 0)
        suspicious = finding.severity >= Severity.WARN and finding.source is not FindingSource.NOVELTY
        return Record(RecordKind.FINDING, content, importance, samples, novel, suspicious)

    def bursts(self) -> Iterator[Record]:
        """Yield the record of each template that is louder than usual."""
        for template, finding in self._loud.items():
            content = _present(severity=str(finding.severity), **_counted(self._templates[template]))
            rates = self._rates.get(template)
            if rates and (expected := usual(rates)):
                content |= {"per_hour": round(hourly(rates)), "usual_per_hour": round(expected.median)}
            samples = tuple(map(_sample, finding.evidence))
            yield Record(RecordKind.BURST, content, _IMPORTANCE[finding.severity], samples)

    def untold(self, told: Iterable[str]) -> tuple[Sequence[TemplateCount], Sequence[TemplateCount]]:
        """Return the templates that are new and those that are not, without those that other records tell of."""
        left = self._templates.keys() - set(told) - self._loud.keys()
        new = left & (self._new | self._noted.keys())
        return [self._templates[one] for one in new], [self._templates[one] for one in left - new]

    def newest_first(self, entry: TemplateCount) -> tuple[int, int, str]:
        """Order new templates: what is noted of them, how grave they are, how many, and nothing of chance."""
        return -self._importance(entry), -entry.count, entry.template.id

    def new(self, entry: TemplateCount) -> Record:
        """Return the record of a template that was never seen on this host."""
        severity = self._noted.get(entry.template.id)
        content = _present(severity=str(severity or ""), **_counted(entry))
        sample = Sample(bare(entry.sample), entry.template.id, Evidence(entry.path, entry.sample))
        return Record(RecordKind.NEW, content, self._importance(entry), (sample,), novel=True)

    def background(self, entry: TemplateCount) -> Record:
        """Return the record of what is known and frequent, roughly counted: it is never quite the same."""
        content = _present(at_least=_magnitude(entry.count), **_described(entry))
        content |= self._usual([entry.template.id])
        return Record(RecordKind.BACKGROUND, content, BACKGROUND_IMPORTANCE)

    def _usual(self, template_ids: Iterable[str]) -> dict[str, int]:
        """Return how many lines of some templates come in an hour as a rule; nothing where nobody knows."""
        known = [self._history.templates.get(one) for one in sorted(set(template_ids))]
        expected = [rate for one in known if one and one.rates and (rate := usual(one.rates))]
        total = sum(rate.median for rate in expected)
        return {"usual_per_hour_at_least": _magnitude(round(total))} if expected else {}

    def _importance(self, entry: TemplateCount) -> int:
        if severity := self._noted.get(entry.template.id):
            return _IMPORTANCE[severity] + NEW_IMPORTANCE
        is_bad = entry.level is not None and entry.level <= WARNING_LEVEL
        return NEW_AND_BAD_IMPORTANCE if is_bad else NEW_ONLY_IMPORTANCE


def _is_of_template(finding: Finding) -> bool:
    """Tell whether a finding says no more than the records of templates do."""
    return finding.source is FindingSource.BURST or finding.kind == NEW_MESSAGE


def _few_of_a_rule(findings: Iterable[Finding]) -> Iterator[Finding]:
    seen: Counter[tuple[str, Severity]] = Counter()
    for finding in findings:
        key = finding.rule or finding.kind, finding.severity
        seen[key] += 1
        if seen[key] <= MAX_FINDINGS_OF_A_RULE:
            yield finding


def _worst_first(finding: Finding) -> tuple[int, int, str, str, list[tuple[str, str]]]:
    lines = [(line.path, line.line) for line in finding.evidence]
    return -finding.severity, -finding.count, finding.rule or finding.kind, finding.title, lines


def _most_frequent_first(entry: TemplateCount) -> tuple[int, str]:
    return -_magnitude(entry.count), entry.template.id


def _in_order(record: Record) -> tuple[int, int, str]:
    count = record.content.get("count", 0)
    return -record.importance, -count if isinstance(count, int) else 0, record.canonical


def _change(text: str) -> Record:
    return Record(RecordKind.CHANGE, {"change": text}, CHANGE_IMPORTANCE, novel=True)


def _earlier(findings: Iterable[Finding]) -> Iterator[Record]:
    """Yield what the host had before, without its words: they name what is no more."""
    known = {(-one.severity, one.rule or one.kind) for one in findings if one.severity > Severity.INFO}
    for severity, rule in sorted(known)[:MAX_EARLIER]:
        content = _present(severity=str(Severity(-severity)), rule=rule)
        yield Record(RecordKind.EARLIER, content, EARLIER_IMPORTANCE)


def _magnitude(number: int) -> int:
    """Return the power of ten that a number reaches: it stays from visit to visit, and so does the key of the cache."""
    power: int = 10 ** (len(str(number)) - 1)
    return power if number else 0


def _counted(entry: TemplateCount) -> dict[str, str | int]:
    return {"count": entry.count, **_described(entry)}


def _described(entry: TemplateCount) -> dict[str, str | int]:
    return {
        "level": LEVEL_WORDS[entry.level] if entry.level is not None and 0 <= entry.level < len(LEVEL_WORDS) else "",
        "program": entry.template.program or "",
        "template": _with_plain_masks(entry.template.text),
    }


def _with_plain_masks(text: str) -> str:
    """Write masks with less: there are many of them."""
    return text.replace(templates.MASK, "*")


def _present(**content: str | int) -> dict[str, str | int]:
    return {name: value for name, value in content.items() if value != ""}


def _sample(place: Evidence) -> Sample:
    template = templates.template_of(place.line.encode("utf-8", "surrogatepass").replace(b"\n", b" "))
    return Sample(bare(place.line), template.id, place)


def _sampled(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records with two samples at most of each template, those of the most important records."""
    shown: Counter[str] = Counter()
    for record in records:
        kept = []
        for sample in record.samples:
            shown[sample.template] += 1
            if shown[sample.template] <= SAMPLES_PER_TEMPLATE:
                kept.append(sample)
        yield record if len(kept) == len(record.samples) else replace(record, samples=tuple(kept))
