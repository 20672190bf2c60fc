"""What models answered and what that took, over SQLite and over PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

from dthostmon.model import Confidence, Opinion, OpinionFinding, Severity, Usage, Visit
from dthostmon.store import Store, StoredOpinion
from tests.integration.store.visits import at, run

DAY = date(2026, 7, 28)
FINDING = OpinionFinding(("E01", "E07"), "disk", Severity.WARN, "A disk \0 ails \ud800.", "Replace it.", Confidence.LOW)
OPINION = Opinion("One disk ails.", (FINDING,), 71, Severity.WARN, ("Replace it.",), dropped=2)


async def test_tokens_are_summed_by_day(store: Store):
    assert await store.spent_tokens(DAY) == 0
    await store.spend_tokens(DAY, 2**40)
    await store.spend_tokens(DAY, 7)
    await store.spend_tokens(DAY + timedelta(days=1), 1)
    assert await store.spent_tokens(DAY) == 2**40 + 7
    assert await store.spent_tokens(DAY + timedelta(days=1)) == 1


async def test_tokens_spent_at_the_same_time_are_all_counted(store: Store):
    await asyncio.gather(*(store.spend_tokens(DAY, 3) for _ in range(20)))
    assert await store.spent_tokens(DAY) == 60


async def test_an_opinion_comes_back_while_it_is_fresh(store: Store):
    stored = StoredOpinion(OPINION, "grok", "grok-4-fast", at(0))
    await store.keep_opinion("k1", stored)
    found = await store.opinion("k1", at(0))
    assert found is not None
    safe = replace(FINDING, description="A disk \\x00 ails \\ud800.")
    assert found == replace(stored, opinion=replace(OPINION, findings=(safe,)))
    assert await store.opinion("k1", at(1)) is None
    assert await store.opinion("k2", at(0)) is None


async def test_a_newer_opinion_takes_the_place_of_an_older_one(store: Store):
    older = StoredOpinion(OPINION, "grok", "grok-4-fast", at(0))
    newer = StoredOpinion(replace(OPINION, summary="All is well.", findings=()), "local", "llama3.1", at(5))
    await store.keep_opinion("k1", older)
    await store.keep_opinion("k1", newer)
    assert await store.opinion("k1", at(0)) == newer


async def test_old_opinions_go(store: Store):
    await store.keep_opinion("k1", StoredOpinion(OPINION, "grok", "grok-4-fast", at(0)))
    await store.keep_opinion("k2", StoredOpinion(OPINION, "grok", "grok-4-fast", at(9)))
    assert (await store.prune(at(5), at(5))).opinions == 1
    assert await store.opinion("k1", at(0)) is None
    assert await store.opinion("k2", at(0)) is not None


async def test_a_run_tells_what_asking_a_model_took(store: Store):
    await store.save_run(Visit(replace(run(), judged_by="rules+grok/grok-4-fast", usage=Usage(9, 8, 7, 6), cost=0.5)))
    await store.save_run(Visit(run(minutes=1)))
    newest, asked = (await store.runs("web1")).items
    assert (asked.judged_by, asked.usage, asked.cost) == ("rules+grok/grok-4-fast", Usage(9, 8, 7, 6), 0.5)
    assert (newest.usage, newest.cost) == (None, None)
