"""Replaying with a model beside the rules: the real pipeline, with a provider that answers as the test says."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import cycle
from pathlib import Path

import pytest

from dthostmon.evaluation import (
    Candidate,
    Case,
    CaseVisit,
    Comparison,
    compare,
    injection_suite,
    read_suites,
    replay,
    spread,
)
from dthostmon.judge import Prices
from dthostmon.judge.question import Answer, Question
from dthostmon.model import FindingSource, Severity
from dthostmon.rules import builtin_folder, load_packs
from tests.fixtures.scripted_provider import ScriptedProvider, Turn, said
from tests.integration.judge_checks import FORM, answer, claim

RULES = load_packs([builtin_folder()])
CRON = "Jul 28 06:00:01 web1 CRON[77]: (root) CMD (true)"
FAILED = "Jul 28 06:00:02 web1 sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2"
SEGFAULT = (
    "Jul 28 06:00:02 web1 kernel: [12.5] app[311]: segfault at 8 ip 000055d0c1a2 sp 00007ffd2f10 error 4 in app[55d0]"
)
PRICES = {"first": Prices(2.0, 10.0)}
ENOUGH = 10**7


def make_case(
    name: str, severity: Severity | None, *lines: str, evidence: tuple[int, ...] = (), host: str = ""
) -> Case:
    visits = (CaseVisit(lines),)
    return Case("demo", name, "kind", severity, "/var/log/syslog", visits, frozenset(evidence), host or None)


GUESSED = make_case("guessed", Severity.WARN, CRON, FAILED, evidence=(1,))
CRASHED = make_case("crashed", Severity.WARN, SEGFAULT, CRON, evidence=(0,))
MISTYPED = make_case("mistyped", None, *(CRON,) * 9, FAILED)
QUIET = make_case("quiet", None, *(CRON,) * 20)


async def asked(
    provider: ScriptedProvider, *cases: Case, tmp_path: Path, max_tokens: int = ENOUGH, seeds: int = 1
) -> Comparison:
    candidate = Candidate(provider, FORM, max_tokens, seeds)
    return compare(await replay(cases, RULES, tmp_path, candidate=candidate), (), PRICES, seeds)


def scripted(*turns: Turn, then: Turn | Callable[[], Turn] = 0.0, concurrency: int = 1) -> ScriptedProvider:
    return ScriptedProvider("first", *turns, then=then, concurrency=concurrency)


def alternating(*texts: str) -> Callable[[], Turn]:
    turns = cycle(texts)
    return lambda: said(next(turns))


def found(comparison: Comparison) -> dict[str, list[int]]:
    """Return of each column how many warnings were found, and the false alarms."""
    columns = comparison.columns.items()
    return {name: [one.figures.recall["WARN"].found, one.figures.noise.alarms] for name, one in columns}


async def test_each_column_has_what_its_judge_told(tmp_path: Path) -> None:
    provider = scripted(then=said(answer(60, "WARN", [claim("E01")])))
    comparison = await asked(provider, GUESSED, CRASHED, MISTYPED, QUIET, tmp_path=tmp_path)
    # a single failed login is a note to the rules, and a warning to this model
    assert found(comparison) == {"rules": [1, 0], "model": [2, 1], "combined": [2, 1]}
    answers = comparison.answers
    assert (answers.visits, answers.questions, answers.sent, answers.answered) == (4, 3, 3, 3)
    recall = {name: (one.evidence_recall.found, one.evidence_recall.total) for name, one in comparison.columns.items()}
    assert recall == {"rules": (1, 2), "model": (2, 2), "combined": (2, 2)}


async def test_a_model_that_is_silent_costs_the_combination_nothing(tmp_path: Path) -> None:
    comparison = await asked(scripted(then=said(answer(100))), GUESSED, CRASHED, MISTYPED, tmp_path=tmp_path)
    assert found(comparison) == {"rules": [1, 0], "model": [0, 0], "combined": [1, 0]}


async def test_a_claim_of_the_model_is_measured_as_it_made_it_and_told_as_it_is_bounded(tmp_path: Path) -> None:
    unsure = said(answer(10, "CRITICAL", [claim("E01", severity="CRITICAL", confidence="low")]))
    comparison = await asked(scripted(then=unsure), GUESSED, tmp_path=tmp_path)
    (alone,) = comparison.model.figures.exaggerated
    assert alone.found is Severity.CRITICAL
    assert not comparison.combined.figures.exaggerated


async def test_answers_tokens_and_cost_are_counted(tmp_path: Path) -> None:
    provider = scripted(said("no JSON"), then=said(answer(60)))
    answers = (await asked(provider, GUESSED, CRASHED, tmp_path=tmp_path)).answers
    assert (answers.requests, answers.invalid, answers.answered) == (3, 1, 2)
    assert (answers.schema_valid.found, answers.schema_valid.total) == (1, 2)
    assert (answers.usage.prompt, answers.usage.completion) == (300, 60)
    assert answers.cost == pytest.approx(3 * (100 * 2 + 20 * 10) / 1e6)


async def test_what_a_provider_never_answers_well_is_said(tmp_path: Path) -> None:
    comparison = await asked(scripted(then=said("no JSON")), GUESSED, CRASHED, tmp_path=tmp_path)
    assert comparison.answers.unanswered == {"invalid-output": 2}
    assert comparison.answers.invalid == 4
    assert found(comparison) == {"rules": [1, 0], "model": [0, 0], "combined": [1, 0]}


async def test_askings_that_differ_do_not_agree(tmp_path: Path) -> None:
    provider = scripted(
        then=alternating(answer(60, "WARN"), answer(60, "WARN"), answer(60, "INFO"), answer(60, "WARN"))
    )
    answers = (await asked(provider, GUESSED, CRASHED, tmp_path=tmp_path, seeds=2)).answers
    assert (answers.agreement.found, answers.agreement.total) == (1, 2)
    assert answers.requests == len(provider.requests) == 4


async def test_the_first_asking_is_the_one_that_judges(tmp_path: Path) -> None:
    told = answer(60, "WARN", [claim("E01")])
    comparison = await asked(scripted(then=alternating(told, answer(100))), GUESSED, tmp_path=tmp_path, seeds=2)
    assert found(comparison)["combined"] == [1, 0]


async def test_the_same_lines_of_two_cases_are_asked_about_twice(tmp_path: Path) -> None:
    provider = scripted(then=said(answer(60)))
    await asked(provider, GUESSED, GUESSED, tmp_path=tmp_path)
    assert len(provider.requests) == 2
    ((_, question), *_) = provider.requests
    (message,) = question.messages
    assert '"role"' not in message.content  # the name of a replayed host


async def test_nothing_is_asked_beyond_the_bound(tmp_path: Path) -> None:
    ((_, question),) = await _requests(tmp_path / "measured", GUESSED)
    most = question.prompt_tokens + question.max_output_tokens
    provider = scripted(then=said(answer(60)))
    (tmp_path / "bounded").mkdir()
    # each answer takes 120 tokens: after the first one the most that a second could take is not left
    comparison = await asked(provider, GUESSED, GUESSED, GUESSED, tmp_path=tmp_path / "bounded", max_tokens=most + 119)
    assert (comparison.answers.questions, comparison.answers.sent) == (3, 1)
    assert comparison.answers.unanswered == {"budget": 2}
    assert not comparison.answers.failed


async def _requests(folder: Path, case: Case) -> Sequence[tuple[float, Question]]:
    folder.mkdir()
    provider = scripted(then=said(answer(60)))
    await asked(provider, case, tmp_path=folder)
    return provider.requests


class OnlyTogether(ScriptedProvider):
    """Answers three requests when there are three."""

    async def ask(self, question: Question) -> Answer:
        await self.three.wait()
        return await super().ask(question)

    @cached_property
    def three(self) -> asyncio.Barrier:
        return asyncio.Barrier(3)


async def test_machines_are_replayed_at_a_time_and_their_cases_in_order(tmp_path: Path) -> None:
    provider = OnlyTogether("first", then=said(answer(60)), concurrency=3)
    cases = [make_case(f"own {number}", Severity.WARN, FAILED, evidence=(0,)) for number in range(7)]
    shared = [
        make_case(f"shared {number}", Severity.WARN, line, evidence=(0,), host="web1")
        for number, line in enumerate((FAILED, SEGFAULT))
    ]
    candidate = Candidate(provider, FORM, ENOUGH)
    told: list[str] = []
    every = [*shared, *cases]
    replaying = replay(every, RULES, tmp_path, candidate=candidate, told=lambda one: told.append(one.case.id))
    outcomes = await asyncio.wait_for(replaying, 60)
    assert [one.case for one in outcomes] == every
    assert len(provider.requests) == 9
    together = [question.messages[0].content for _, question in provider.requests[:3]]
    assert not any("segfault" in one for one in together), "the second case of a machine waits for its first"
    assert told.index("shared 0") < told.index("shared 1")
    assert sorted(told) == sorted(one.id for one in every)


async def test_a_model_that_obeys_strangers_is_seen_and_changes_nothing(tmp_path: Path) -> None:
    cases = read_suites([injection_suite()])
    obedient = scripted(then=said(answer(100)), concurrency=4)
    steered = await replay(cases, RULES, tmp_path, candidate=Candidate(obedient, FORM, ENOUGH))
    resistance = compare((), steered, {}).resistance
    assert (resistance.model.found, resistance.model.total) == (0, len(cases))
    assert (resistance.combined.found, resistance.combined.total) == (len(cases), len(cases))
    assert [one.hearings[0].rules for one in steered] == [one.severity for one in cases]
    shown = [question.messages[0].content for _, question in obedient.requests]
    assert all('"id":"E02"' in one for one in shown), "beside the trouble, the line itself"
    assert sum("the rules above are outdated" in one for one in shown) == 1


async def test_rules_alone_ask_nobody(tmp_path: Path) -> None:
    (outcome,) = await replay([GUESSED], RULES, tmp_path)
    assert (outcome.hearings, outcome.claims) == ((), ())
    assert all(one.finding.source is not FindingSource.AI for one in outcome.findings)


async def test_a_limit_spreads_over_the_builtin_suite() -> None:
    cases = read_suites([injection_suite()])
    assert len({one.kind for one in spread(cases, 12)}) >= 8
    assert datetime(2026, 7, 28, 6, 30, tzinfo=UTC) == cases[0].visits[1].at
