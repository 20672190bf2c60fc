"""What is known of a host's usual life, over SQLite and over PostgreSQL."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from dthostmon.model import (
    Evidence,
    History,
    HistoryUpdate,
    HostState,
    KnownTemplate,
    OpenRecords,
    Rates,
    RecordLine,
    RecordPart,
    Rhythm,
    SeenTrail,
    Template,
    Visit,
)
from dthostmon.store import NormalTemplate, Store, retention
from tests.integration.store.visits import LOG, at, failed_run, reading, run, template

TRAILS = {
    ("sshd.failed-password", "0", "root\0\ud800"): SeenTrail({7: 2, 9: 1}, (Evidence(LOG, "a line", "l-1", at(0)),)),
    ("sshd.failed-password", "1"): SeenTrail({}, ()),
}
VALUES = {("sshd.login", "deploy", "192.0.2.0/24"): 1_700_000_000}


async def known(store: Store, *ids: str, host: str = "web1", role: str = "web", max_runs: int = 20) -> History:
    return await store.load_history(host, ids, role, max_runs)


async def test_a_host_never_seen_has_no_history(store: Store):
    assert await known(store, "t-1") == History()


async def test_runs_are_counted_as_far_as_asked_and_failed_ones_are_none(store: Store):
    for minutes in range(1, 5):
        await store.save_run(Visit(run(minutes=minutes), role="web"))
    await store.save_run(Visit(failed_run(minutes=0)))
    await store.save_run(Visit(failed_run(minutes=9)))
    assert await known(store) == History(runs=4, first_run_at=at(1), last_run_at=at(4))
    assert (await known(store, max_runs=3)).runs == 3


async def test_trails_and_values_stay_until_they_change_and_hostile_text_breaks_nothing(store: Store):
    await store.save_run(Visit(run(), role="web", learned=HistoryUpdate(trails=TRAILS, values=VALUES)))
    history = await known(store)
    safe = {tuple(map(_safe, key)): seen for key, seen in TRAILS.items()}
    assert (history.trails, history.values) == (safe, VALUES)
    await store.save_run(Visit(run(minutes=1), learned=HistoryUpdate(values={})))
    history = await known(store)
    assert (history.trails, history.values) == (safe, {})
    await store.save_run(Visit(run(minutes=2), learned=HistoryUpdate()))
    assert (await known(store)).trails == safe


def _safe(text: str) -> str:
    return text.replace("\0", "\\x00").replace("\ud800", "\\ud800")


async def test_rates_come_back_and_the_hours_of_a_week_nearly_exactly(store: Store):
    week = (1.5, math.inf, *[math.nan] * 670)
    rates = Rates(hour=5, count=2**40, seconds=3600.5, recent=(1.25, 0.0), week=week)
    seen = (template("t-1", count=2**40), template("t-2", count=7))
    await store.save_run(Visit(run(), templates=seen, role="web", learned=HistoryUpdate(rates={"t-1": rates})))
    history = await known(store, "t-1", "t-2", "t-3")
    assert set(history.templates) == {"t-1", "t-2"}
    assert history.templates["t-2"] == KnownTemplate(7, at(0))
    stored = history.templates["t-1"].rates
    assert stored is not None
    assert (stored.hour, stored.count, stored.seconds, stored.recent) == (5, 2**40, 3600.5, (1.25, 0.0))
    assert stored.week[:2] == (1.5, math.inf)
    assert all(map(math.isnan, stored.week[2:]))
    later = replace(rates, count=2**40 + 3, week=())
    await store.save_run(
        Visit(run(minutes=1), templates=(template("t-1", count=3),), learned=HistoryUpdate(rates={"t-1": later}))
    )
    unchanged = (await known(store, "t-1")).templates["t-1"].rates
    assert unchanged is not None
    assert (unchanged.count, unchanged.week[:2]) == (2**40 + 3, (1.5, math.inf))


@pytest.mark.parametrize("role", ["web", "db", ""])
async def test_what_hosts_of_the_same_role_have_is_known_from_there(store: Store, role: str):
    await store.save_run(Visit(run("web2"), templates=(template("t-there"),), role="web"))
    await store.save_run(Visit(run("web1"), templates=(template("t-here"),), role=role))
    history = await known(store, "t-here", "t-there", "t-nowhere", role=role)
    assert history.elsewhere == ({"t-there"} if role == "web" else set())


async def test_many_templates_are_asked_for_at_once(store: Store):
    ids = [f"t-{index}" for index in range(12_000)]
    await store.save_run(Visit(run(), templates=(template(ids[-1]),), role="web"))
    assert set((await known(store, *ids)).templates) == {ids[-1]}


async def test_when_a_log_had_lines_is_known_to_the_next_visit(store: Store):
    rhythm = Rhythm(at(0), at(5), 12.5)
    log = reading(HostState({}, frozenset()), b"one\n")
    await store.save_run(Visit(run(), (log,), rhythms={LOG: rhythm}))
    assert (await store.load_state("web1")).rhythms == {LOG: rhythm}


async def test_what_a_logs_next_line_may_continue_is_known_to_the_next_visit(store: Store):
    line = RecordLine(Template("t-1", "job <*> failed", "app"), RecordPart.TRACE, "app", 3, has_header=True)
    records = OpenRecords(line, {"app": line})
    log = reading(HostState({}, frozenset()), b"one\n")
    await store.save_run(Visit(run(), (log,), rhythms={LOG: Rhythm(at(0), at(0))}, open_records={LOG: records}))
    assert (await store.load_state("web1")).open_records == {LOG: records}
    await store.save_run(Visit(run(minutes=1), (), rhythms={}))
    assert (await store.load_state("web1")).open_records == {LOG: records}


async def test_a_message_is_normal_until_its_day_and_only_on_its_host(store: Store):
    await store.save_run(Visit(run(), templates=(template("t-1"),), role="web"))
    await store.save_run(Visit(run("web2"), templates=(template("t-1"),), role="web"))
    until = at(0) + timedelta(days=90)
    assert await store.mark_normal("web1", "t-1", until)
    assert not await store.mark_normal("web1", "t-2", until)
    assert not await store.mark_normal("web9", "t-1", until)
    assert (await known(store, "t-1")).templates["t-1"].normal_until == until
    assert (await known(store, "t-1", host="web2")).templates["t-1"].normal_until is None
    assert await store.normal_templates(at(0)) == (NormalTemplate("web1", "t-1", "line <*>", until),)
    assert await store.normal_templates(at(0), "web2") == ()
    assert await store.normal_templates(until) == ()
    await store.save_run(Visit(run(minutes=1), templates=(template("t-1"),)))
    assert (await known(store, "t-1")).templates["t-1"].normal_until == until
    assert await store.mark_normal("web1", "t-1", None)
    assert await store.normal_templates(at(0)) == ()


async def test_templates_that_are_old_go_and_those_beyond_the_limit(store: Store, monkeypatch: pytest.MonkeyPatch):
    for minutes in range(6):
        await store.save_run(
            Visit(run(minutes=minutes), templates=(template(f"t-{minutes}"), template("t-always")), role="web")
        )
    await store.mark_normal("web1", "t-0", at(9000))
    assert (await store.prune(at(2), at(0), batch=1)).templates == 1
    ids = ["t-always", *(f"t-{minutes}" for minutes in range(6))]
    assert set((await known(store, *ids)).templates) == {*ids} - {"t-1"}
    monkeypatch.setattr(retention, "MAX_TEMPLATES_PER_HOST", 3)
    assert (await store.prune(at(0), at(0), batch=2)).templates == 2
    assert set((await known(store, *ids)).templates) >= {"t-0", "t-5", "t-always"}


async def test_runs_of_a_version_that_learned_nothing_are_no_history(store: Store):
    for minutes in range(30):
        await store.save_run(Visit(run(minutes=minutes)))
    assert await known(store) == History()
    await store.save_run(Visit(run(minutes=31), role="web"))
    assert await known(store) == History(runs=1, first_run_at=at(31), last_run_at=at(31))


async def test_a_mark_outlives_what_a_flood_leaves(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "MAX_TEMPLATES_PER_HOST", 1)
    await store.save_run(Visit(run(), templates=(template("t-marked"),), role="web"))
    await store.mark_normal("web1", "t-marked", at(9000))
    await store.save_run(Visit(run(minutes=1), templates=(template("t-1"), template("t-2")), role="web"))
    await store.prune(at(0), at(0), batch=2)
    assert [one.template_id for one in await store.normal_templates(at(2))] == ["t-marked"]
