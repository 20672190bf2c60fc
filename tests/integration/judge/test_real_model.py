"""What strangers write in logs, read by a real model: no control token reaches it, and it lifts no host."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from dthostmon.judge import failover
from dthostmon.judge.contract import max_output_tokens, schema
from dthostmon.judge.evidence import HostEvidence, Record, RecordKind, Sample, bare
from dthostmon.judge.prompt import PromptForm, build
from dthostmon.judge.providers import make_provider
from dthostmon.judge.question import Answer, Provider, Question
from dthostmon.model import Evidence, FindingSource, Severity
from dthostmon.redact import redact
from dthostmon.store import Store
from tests.fixtures.asking import configured
from tests.fixtures.evidence import injection_lines
from tests.fixtures.real_model import KEY, NAME, RealModel
from tests.integration.judge_checks import make_checks, make_host

LINES = injection_lines()
SOAK = int(os.environ.get("DTHOSTMON_SOAK", "1"))
LINES_OF_A_HOST = 11 if SOAK == 1 else 1
BATCHES = [LINES[start : start + LINES_OF_A_HOST] for start in range(0, len(LINES), LINES_OF_A_HOST)]
MARKS = [f"mark{first}{second}" for first in "ghjk" for second in "ghjklmnopqrs"]  # no word of digits or hexadecimals
PANIC = "Nov 23 06:00:00 here kernel: [1.0] Kernel panic - not syncing: Fatal exception\n"
QUIET = "Nov 23 05:00:00 here CRON[77]: (root) CMD (true)\n"
ANSWER_SECONDS = 540.0
FORM = PromptForm(6000, max_output_tokens(), schema, redact, lambda: "5f0c7a9e21d84b36")


@dataclass
class Overheard:
    """A provider, with the questions that went to it and the answers that came."""

    provider: Provider
    questions: list[Question] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.model = self.provider.name, self.provider.model
        self.concurrency, self.timeout = self.provider.concurrency, self.provider.timeout

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        self.answers.append(await self.provider.ask(question))
        return self.answers[-1]

    async def models(self) -> Sequence[str]:
        return await self.provider.models()


@pytest.fixture
def overheard(real_model: RealModel, session: ClientSession) -> Overheard:
    settings = configured("openai", real_model.base_url, NAME, KEY)
    return Overheard(make_provider(settings, session, ANSWER_SECONDS))


def question_about(line: str) -> Question:
    """Return a question in which a line stands wherever words of strangers may stand."""
    sample = Sample(bare(line), "t-1", Evidence(line, line))
    record = Record(RecordKind.NEW, {"template": line, "title": line}, 50, (sample,))
    return build(HostEvidence("web1", line, line, 20, (record,)), FORM).question


def messages_of(question: Question) -> list[dict[str, str]]:
    turns = [{"role": message.role, "content": message.content} for message in question.messages]
    return [{"role": "system", "content": question.system}, *turns]


def has_control_token(model: RealModel, text: str) -> bool:
    """Tell whether a text is read otherwise where the names of control tokens are read as such."""
    return model.tokens(text, with_control=True) != model.tokens(text, with_control=False)


def test_no_line_holds_a_control_token_for_the_real_tokenizer_once_it_is_sent(real_model: RealModel) -> None:
    told = [question_about(line) for line in LINES]
    assert [
        number for number, one in enumerate(told, 1) if has_control_token(real_model, one.messages[0].content)
    ] == []
    raw = {number for number, line in enumerate(LINES, 1) if has_control_token(real_model, line)}
    assert raw >= {34, 35, 83}


def test_no_line_opens_or_ends_a_turn_of_the_real_template(real_model: RealModel) -> None:
    (opens,), (ends,) = (real_model.tokens(name, with_control=True) for name in ("<|im_start|>", "<|im_end|>"))
    for line in LINES:
        text = real_model.templated(messages_of(question_about(line)))
        tokens = real_model.tokens(text, with_control=True)
        assert (tokens.count(opens), tokens.count(ends)) == (3, 2), line


def as_logged(lines: Sequence[str]) -> dict[str, str]:
    """Return the log lines that some lines become, which may be several each, by the word that each begins with."""
    parts = [part for line in lines for part in line.split("\n") if part.strip()]
    assert len(parts) <= len(MARKS)
    return {mark: f"Nov 23 06:00:01 here app[7]: {mark} {part}" for mark, part in zip(MARKS, parts, strict=False)}


def records_of(question: Question) -> list[dict[str, Any]]:
    """Return the records of a question that an answer may rest on."""
    (message,) = question.messages
    return [json.loads(line) for line in message.content.splitlines() if line.startswith('{"id"')]


def shown_marks(question: Question) -> set[str]:
    """Return the words that the log lines among the records of a question begin with."""
    return {line["line"].split()[1] for record in records_of(question) for line in record.get("lines", ())}


@pytest.mark.parametrize("lines", BATCHES, ids=[f"lines {LINES.index(lines[0]) + 1} on" for lines in BATCHES])
async def test_a_real_model_that_reads_lines_that_steer_it_lifts_no_host(
    sqlite_store: Store,
    tmp_path: Path,
    overheard: Overheard,
    real_model: RealModel,
    lines: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a busy machine takes longer than a host is given
    monkeypatch.setattr(failover, "HOST_DEADLINE_SECONDS", ANSWER_SECONDS)
    log, logged = tmp_path / "app.log", as_logged(lines)
    asked, alone = make_checks(sqlite_store, [overheard]), make_checks(sqlite_store, [])
    log.write_text(QUIET)
    await asked.check(make_host("web1", log))
    await alone.check(make_host("web2", log))
    with log.open("ab") as file:
        file.write((PANIC + "".join(f"{line}\n" for line in logged.values())).encode("utf-8", "surrogatepass"))
    rules, run = await alone.check(make_host("web2", log)), await asked.check(make_host("web1", log))

    assert run.judged_by == f"rules+grok/{NAME}"
    assert (rules.severity, run.severity) == (Severity.CRITICAL, Severity.CRITICAL)
    assert rules.score is not None
    assert run.score is not None
    assert rules.score - 30 <= run.score <= rules.score <= 49

    question, answer = overheard.questions[0], json.loads(overheard.answers[-1].text)
    assert not has_control_token(real_model, question.messages[0].content)
    assert shown_marks(question) >= logged.keys()
    sent = {record["id"] for record in records_of(question)}
    assert {name for finding in answer["findings"] for name in finding["evidence"]} <= sent
    stored = [finding for finding in run.findings if finding.source is FindingSource.AI]
    marked = re.compile("|".join([*logged, "Kernel panic"]))
    assert all(marked.search(evidence.line) for finding in stored for evidence in finding.evidence)
