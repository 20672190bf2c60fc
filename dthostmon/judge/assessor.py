"""Asks about what was examined of a host, and tells which lines stand behind the ids that the model knows."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from dthostmon.analysis import Examination
from dthostmon.errors import ProviderErrorKind
from dthostmon.judge import contract
from dthostmon.judge.asked import Asked, RulesOnlyReason
from dthostmon.judge.evidence import HostEvidence, cache_key, gather
from dthostmon.judge.failover import Parse
from dthostmon.judge.gate import holds_bad_news, matters, opens
from dthostmon.judge.judge import Judge
from dthostmon.judge.prompt import PromptForm, build, citable
from dthostmon.judge.question import Question
from dthostmon.judge.recurrence import Matter, Recurrence
from dthostmon.model import Finding, History, Host, Opinion, SentRecord, Severity

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What a model is to be asked about one host. `matters` name what makes it worth asking, where that may recur."""

    evidence: HostEvidence
    is_critical: bool
    matters: frozenset[Matter] = frozenset()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What came of it, and the records that an opinion may rest on, by their ids."""

    asked: Asked
    records: Mapping[str, SentRecord]

    @property
    def is_open(self) -> bool:
        """Whether asking again later may help: not where nobody is there to be asked."""
        return self.asked.opinion is None and self.asked.reason is not RulesOnlyReason.NO_PROVIDER


@dataclass(frozen=True, slots=True)
class Assessor:
    """Asks about hosts. One instance serves all of them. `sequences` are the ids of rules that are sequences."""

    judge: Judge
    form: PromptForm
    sequences: frozenset[str] = frozenset()
    recurrence: Recurrence = field(default_factory=Recurrence)

    @property
    def has_models(self) -> bool:
        """Whether there is anyone to ask."""
        return self.judge.failover.has_providers

    def asks_about(self, examined: Examination, history: History, host: str, now: datetime) -> bool:
        """Tell whether there is anything to ask a model about: not what it was asked about often enough lately."""
        if not opens(examined, history, self.sequences):
            return False
        if holds_bad_news(examined, history):
            return True
        return not self.recurrence.has_enough(host, matters(examined, history, self.sequences), history, now)

    def enquiry(
        self,
        examined: Examination,
        history: History,
        host: Host,
        earlier: Sequence[Finding] = (),
        changes: Sequence[str] = (),
    ) -> Enquiry:
        """Return what to ask a model. `earlier` are the findings of the run before, `changes` tell what changed."""
        is_critical = any(finding.severity is Severity.CRITICAL for finding in examined.findings)
        named = matters(examined, history, self.sequences)
        return Enquiry(gather(examined, history, host, earlier, changes), is_critical, named)

    async def assess(self, enquiry: Enquiry, now: datetime) -> Assessment:
        """Ask, within the deadline and the budget; what fails is a reason, never an error."""
        evidence = enquiry.evidence
        talk = _Talk(evidence, self.form)
        key = cache_key(evidence.records, evidence.role)
        try:
            asked = await self.judge.assess(key, talk.ask, talk.read, is_critical=enquiry.is_critical, now=now)
        except ValueError as error:
            logger.warning("a host has no question that fits", extra={"host": evidence.host, "error": str(error)})
            asked = Asked(reason=ProviderErrorKind.TOO_LONG)
        if asked.opinion is not None:
            self.recurrence.note(evidence.host, enquiry.matters, now)
        return Assessment(asked, _sent(evidence))


class _Talk:
    """One question, and the answers to it that may come."""

    def __init__(self, evidence: HostEvidence, form: PromptForm) -> None:
        self._evidence = evidence
        self._form = form
        self._parse: Parse = partial(contract.parse, evidence_ids=())

    def ask(self) -> Question:
        """Return the question; raises ValueError where no record fits into one."""
        prompt = build(self._evidence, self._form)
        self._parse = partial(contract.parse, evidence_ids=tuple(prompt.records), restore=prompt.restore)
        return prompt.question

    def read(self, text: str) -> Opinion:
        """Return the opinion of an answer, with real names; raises ProviderError for one that breaks the contract."""
        return self._parse(text)


def _sent(evidence: HostEvidence) -> Mapping[str, SentRecord]:
    """Return the records by id, without those that rest on no line: nothing can be shown for them."""
    return {
        name: SentRecord(name, lines, record.novel, record.suspicious)
        for name, record in citable(evidence).items()
        if (lines := tuple(sample.place for sample in record.samples))
    }
