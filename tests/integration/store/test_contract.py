"""What the store promises, over SQLite and over PostgreSQL."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dthostmon.errors import CursorConflictError, StoreError
from dthostmon.model import Cycle, HostState, LogReading, StreamCursor, StreamPosition, Visit
from dthostmon.store import InvalidPageError, Store, cursors, schema
from dthostmon.store.chunks import PIECE_BYTES
from dthostmon.store.cursors import swap
from dthostmon.store.tables import templates
from tests.integration.store.visits import (
    LOG,
    append,
    at,
    coverage,
    failed_run,
    finding,
    full_run,
    position,
    reading,
    run,
    skipped_run,
    stored,
    template,
)


async def test_a_host_never_seen_has_an_empty_state(store: Store):
    assert await store.load_state("web1") == HostState({}, frozenset())
    assert await store.latest_run("web1") is None
    assert await store.latest_runs() == {}
    assert await store.hosts() == ()
    assert await stored(store) == b""


async def test_what_a_visit_saved_is_the_state_of_the_next_one(store: Store):
    first = reading(HostState({}, frozenset()), b"one\n")
    await store.save_run(Visit(run(), (first,), frozenset({"/var/log/*"})))
    state = await store.load_state("web1")
    assert state.cursors == {LOG: replace(first.cursor, version=1)}
    assert state.patterns == {"/var/log/*"}

    second = reading(state, b"two\n")
    second = replace(second, cursor=replace(second.cursor, previous=position(LOG + ".1", 99)))
    await store.save_run(Visit(run(minutes=1), (second,), frozenset({"/srv/*.log"})))
    state = await store.load_state("web1")
    assert state.cursors == {LOG: replace(second.cursor, version=2)}
    assert state.patterns == {"/var/log/*", "/srv/*.log"}


async def test_how_far_a_log_that_is_no_file_was_read_comes_back(store: Store):
    position = StreamPosition("s=0a;i=1;t=" + "f" * 16, "ab" * 32, ("0a", "0a", "1b"))
    first = LogReading("docker:web", b"one\n", StreamCursor("docker:web", position), 4)
    file = reading(HostState({}, frozenset()), b"two\n")
    await store.save_run(Visit(run(), (first, file)))
    state = await store.load_state("web1")
    assert state.streams == {"docker:web": StreamCursor("docker:web", position, 1)}
    assert state.cursors == {LOG: replace(file.cursor, version=1)}

    moved = replace(state.streams["docker:web"], position=StreamPosition(""))
    await store.save_run(Visit(run(minutes=1), (replace(first, cursor=moved),)))
    assert (await store.load_state("web1")).streams == {"docker:web": replace(moved, version=2)}


async def test_two_visits_of_one_stream_are_never_both_stored(store: Store):
    path = "journal:"
    taken = [LogReading(path, b"%d\n" % n, StreamCursor(path, StreamPosition(f"i={n}")), 2) for n in range(4)]
    visits = [Visit(run(minutes=n), (log,)) for n, log in enumerate(taken)]
    saved = await asyncio.gather(*(store.save_run(visit) for visit in visits), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in saved) == ["CursorConflictError"] * 3 + ["Run"]
    moved = replace(taken[0], cursor=StreamCursor(path, StreamPosition("i=8"), 1))
    await store.save_run(Visit(run(minutes=8), (moved,)))
    state = await store.load_state("web1")
    stale = replace(taken[0], cursor=StreamCursor(path, StreamPosition("i=9"), 1))
    with pytest.raises(CursorConflictError, match="journal: was read by another visit"):
        await store.save_run(Visit(run(minutes=9), (stale,)))
    assert (await store.load_state("web1")) == state


async def test_states_of_two_hosts_do_not_mix(store: Store):
    await append(store, b"one\n", host="web1")
    await append(store, b"other\n", host="web2")
    assert await stored(store, "web1") == b"one\n"
    assert await stored(store, "web2") == b"other\n"
    assert await store.hosts() == ("web1", "web2")


async def test_a_run_comes_back_as_it_was_saved(store: Store):
    saved = await store.save_run(Visit(full_run()))
    assert saved.id is not None
    assert all(found.id is not None for found in saved.findings)
    without_ids = replace(saved, id=None, findings=tuple(replace(found, id=None) for found in saved.findings))
    assert without_ids == full_run()
    assert await store.run(saved.id) == saved
    assert await store.latest_run("web1") == saved
    assert list((await store.latest_run("web1")).findings[0].fields) == ["user", "address"]


@pytest.mark.parametrize("run_id", ["", "x", "-1", "1e3", "٣", "9" * 30, "1; DROP TABLE runs", "\0"])
async def test_an_id_that_no_run_has_finds_none(store: Store, run_id: str):
    await store.save_run(Visit(run()))
    assert await store.run(run_id) is None


async def test_a_failed_run_is_stored_without_score(store: Store):
    saved = await store.save_run(Visit(failed_run()))
    assert await store.latest_run("web1") == saved
    assert saved.score is None


async def test_a_second_run_of_the_same_moment_is_refused(store: Store):
    await store.save_run(Visit(run()))
    with pytest.raises(StoreError, match="refused a row") as refusal:
        await store.save_run(Visit(replace(run(), summary="a secret line")))
    assert "a secret line" not in f"{refusal.value} {refusal.value.__cause__}"
    assert len((await store.runs("web1")).items) == 1


async def test_the_overview_has_the_last_run_of_every_host(store: Store):
    await store.save_run(Visit(run("web1", 1)))
    last = await store.save_run(Visit(replace(full_run(), started_at=at(2))))
    other = await store.save_run(Visit(failed_run("web2", 1)))
    overview = await store.latest_runs()
    assert overview.keys() == {"web1", "web2"}
    assert overview["web2"] == other
    bare = tuple(replace(found, evidence=()) for found in last.findings)
    assert overview["web1"] == replace(last, findings=bare, logs=())


async def test_a_late_clock_does_not_hide_the_last_run(store: Store):
    await store.save_run(Visit(run(minutes=60)))
    last = await store.save_run(Visit(run(minutes=0)))
    assert (await store.latest_run("web1")).id == last.id


async def test_a_skipped_run_does_not_hide_the_last_result(store: Store):
    first = await store.save_run(Visit(skipped_run(minutes=0)))
    assert await store.latest_run("web1") == first
    result = await store.save_run(Visit(failed_run(minutes=1)))
    skipped = await store.save_run(Visit(skipped_run(minutes=2)))
    assert await store.latest_run("web1") == result
    assert await store.latest_runs() == {"web1": result}
    assert [item.id for item in (await store.runs("web1")).items] == [skipped.id, result.id, first.id]
    assert (await store.prune(at(100), at(100))).runs == 2
    assert await store.latest_run("web1") == result


async def test_an_older_cursor_is_refused_and_nothing_of_its_visit_is_stored(store: Store):
    await append(store, b"one\n")
    state = await store.load_state("web1")
    await append(store, b"two\n", minutes=1)
    before = await store.stats()

    late = Visit(
        run("web1", 2, (finding(),), (coverage(4), coverage(1, path="/new"))),
        (reading(state, b"", "/a-new-log"), reading(state, b"two\n"), reading(state, b"x", "/new")),
        frozenset({"/new*"}),
        (template(),),
    )
    with pytest.raises(CursorConflictError, match=r"web1: /var/log/syslog .* nothing is lost"):
        await store.save_run(late)
    after = await store.stats()
    assert after.rows == before.rows
    assert await stored(store) == b"one\ntwo\n"
    assert (await store.load_state("web1")).cursors[LOG].version == 2


async def test_of_many_visits_with_the_same_state_one_is_stored(store: Store):
    await append(store, b"one\n")
    state = await store.load_state("web1")
    visits = [Visit(run(minutes=minute), (reading(state, b"two\n"),)) for minute in range(1, 9)]
    results = await asyncio.gather(*(store.save_run(visit) for visit in visits), return_exceptions=True)
    assert sum(isinstance(result, CursorConflictError) for result in results) == 7
    assert await stored(store) == b"one\ntwo\n"


async def test_of_many_first_visits_one_is_stored(store: Store):
    state = await store.load_state("web1")
    visits = [Visit(run(minutes=minute), (reading(state, b"one\n"),)) for minute in range(8)]
    results = await asyncio.gather(*(store.save_run(visit) for visit in visits), return_exceptions=True)
    assert sum(isinstance(result, CursorConflictError) for result in results) == 7
    assert await stored(store) == b"one\n"


async def test_without_the_compare_and_swap_a_line_would_be_stored_twice(store: Store, monkeypatch: pytest.MonkeyPatch):
    async def overwrite(*arguments: object) -> bool:
        await swap(*arguments)
        return True

    monkeypatch.setattr(cursors, "swap", overwrite)
    state = await store.load_state("web1")
    for minute in range(2):
        await store.save_run(Visit(run(minutes=minute), (reading(state, b"one\n"),)))
    assert await stored(store) == b"one\none\n"


async def test_chunks_are_the_very_bytes_in_the_order_they_were_read(store: Store):
    noise = os.urandom(4 * 1024 * 1024 + 1)
    pieces = [b"\0\xff\xfe\n", b"caf\xe9\r\n" * 1000, noise, b"last"]
    for minute, piece in enumerate(pieces):
        await append(store, piece, minutes=minute)
    assert await stored(store) == b"".join(pieces)
    read = [chunk async for chunk in store.chunks("web1")]
    assert max(len(chunk.data) for chunk in read) <= PIECE_BYTES
    assert {chunk.path for chunk in read} == {LOG}
    assert read[0].read_at == at(0)


async def test_chunks_end_with_a_line(store: Store):
    line = "größer als gedacht 🙂\n".encode()
    data = line * (2 * PIECE_BYTES // len(line) + 1) + b"a half-written one"
    await append(store, data)
    read = [chunk.data async for chunk in store.chunks("web1")]
    assert b"".join(read) == data
    assert [len(piece) // len(line) for piece in read[:2]] == [PIECE_BYTES // len(line)] * 2
    assert all(piece.endswith(line) for piece in read[:-1])


async def test_a_line_longer_than_a_chunk_is_cut(store: Store):
    sizes = [PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 1, 0]
    data = b"".join(b"x" * size + b"\n" for size in sizes)
    await append(store, data)
    read = [chunk.data async for chunk in store.chunks("web1")]
    assert b"".join(read) == data
    assert [len(piece) for piece in read] == [PIECE_BYTES] * 2 + [1] + [PIECE_BYTES] * 2 + [3]


async def test_chunks_are_chosen_by_path_and_time(store: Store):
    for minute in range(4):
        await append(store, b"%d" % minute, minutes=minute)
        await append(store, b"x", minutes=100 + minute, path="/srv/app/deep/x.log")
    assert await stored(store, path_glob="/var/log/*") == b"0123"
    assert await stored(store, path_glob="/srv/*.log") == b"xxxx"
    assert await stored(store, path_glob="/nowhere") == b""
    some = [chunk.data async for chunk in store.chunks("web1", since=at(1), until=at(3))]
    assert some == [b"1", b"2"]


async def test_chunks_can_be_left_half_read(store: Store):
    for minute in range(12):
        await append(store, b"%d\n" % minute, minutes=minute)
    reader = store.chunks("web1")
    assert (await anext(reader)).data == b"0\n"
    await append(store, b"more\n", minutes=20)
    await reader.aclose()


async def test_pages_of_runs_stay_in_place_while_runs_are_added(store: Store):
    ids = [(await store.save_run(Visit(run(minutes=minute)))).id for minute in range(7)]
    first = await store.runs("web1", limit=3)
    await store.save_run(Visit(run(minutes=100)))
    second = await store.runs("web1", limit=3, after=first.next)
    third = await store.runs("web1", limit=3, after=second.next)
    assert [item.id for page in (first, second, third) for item in page.items] == ids[::-1]
    assert third.next is None
    assert (await store.runs("nobody")).items == ()


async def test_pages_of_findings_part_findings_of_the_same_moment(store: Store):
    saved = await store.save_run(Visit(run(findings=tuple(finding(str(number)) for number in range(5)))))
    await store.save_run(Visit(run("web2", 5, (finding("other"),))))
    first = await store.findings("web1", limit=2)
    second = await store.findings("web1", limit=10, after=first.next)
    assert [item.finding for item in first.items + second.items] == list(saved.findings[::-1])
    assert {(item.host, item.run_id, item.found_at) for item in first.items} == {("web1", saved.id, at(0))}
    everything = await store.findings()
    assert [item.finding.title for item in everything.items] == ["other", "4", "3", "2", "1", "0"]
    assert [item.host for item in (await store.findings(since=at(5))).items] == ["web2"]


@pytest.mark.parametrize("after", ["", "x", "AAAA", "é", "!" * 22, "gAAAAAAAAAAAAAAAAAAAAQ", "\0", "A" * 10_000])
async def test_an_after_that_no_page_gave_is_refused(store: Store, after: str):
    with pytest.raises(InvalidPageError, match="unchanged"):
        await store.runs("web1", after=after)


async def test_the_ledger_sums_what_the_runs_told(store: Store):
    auth = "/var/log/auth.log"
    await store.save_run(Visit(run(minutes=0, logs=(coverage(100, skipped=40, reason="too long"),))))
    await store.save_run(Visit(run(minutes=1, logs=(coverage(10, pending=7), coverage(5, path=auth)))))
    await store.save_run(Visit(run("web2", 2, logs=(coverage(1),))))
    web1 = await store.coverage("web1")
    assert [(entry.path, entry.bytes_appeared, entry.bytes_analysed, entry.bytes_skipped) for entry in web1] == [
        (auth, 5, 5, 0),
        (LOG, 110, 70, 40),
    ]
    assert (web1[1].since, web1[1].bytes_pending, web1[1].skip_reason, web1[1].gaps) == (at(0), 7, "too long", ())
    assert web1[0].since == at(1)
    assert [(entry.host, entry.path) for entry in await store.coverage()] == [
        ("web1", auth),
        ("web1", LOG),
        ("web2", LOG),
    ]
    late = await store.coverage("web1", at(1))
    assert [(entry.bytes_appeared, entry.skip_reason) for entry in late] == [(5, None), (10, None)]


async def test_absurd_sizes_of_one_host_do_not_break_the_ledger_of_all(store: Store):
    for minute in range(3):
        await store.save_run(Visit(run("liar", minute, logs=(coverage(2**63 - 1),))))
    await store.save_run(Visit(run("web1", logs=(coverage(5),))))
    assert [entry.bytes_appeared for entry in await store.coverage()] == [2**63 - 1, 5]
    with pytest.raises(StoreError, match="refused"):
        await store.save_run(Visit(run("liar", 9, logs=(coverage(2**70),))))


async def test_templates_are_counted_across_runs(store: Store):
    await store.save_run(Visit(run(minutes=0), templates=(template(count=2), template("t-2"))))
    await store.save_run(Visit(run(minutes=1), templates=(template(count=40, sample="line 9"),)))
    rows = await store._database.rows(sa.select(templates).order_by(templates.c.template_id))
    assert [(row.template_id, row._mapping["count"], row.sample, row.first_seen, row.last_seen) for row in rows] == [
        ("t-1", 42, "line 1", at(0), at(1)),
        ("t-2", 1, "line 1", at(0), at(0)),
    ]


async def test_prune_deletes_in_batches_what_is_old_and_keeps_the_last_run(store: Store):
    for minute in range(10):
        await append(store, b"%d\n" % minute, minutes=minute)
    await store.save_run(Visit(replace(full_run(), host="gone", started_at=at(0))))
    await store.save_cycle(Cycle("c-1", at(0), 1.0, ()))
    pruned = await store.prune(at(8), at(5), batch=2)
    assert (pruned.runs, pruned.chunks, pruned.cycles) == (8, 5, 1)
    assert [item.started_at for item in (await store.runs("web1")).items] == [at(9), at(8)]
    assert await stored(store) == b"5\n6\n7\n8\n9\n"
    assert (await store.latest_run("gone")).findings != ()
    assert (await store.prune(at(1000), at(1000), batch=2)).runs == 1
    assert (await store.latest_runs()).keys() == {"web1", "gone"}
    assert await stored(store) == b""
    assert (await store.load_state("web1")).cursors[LOG].version == 10
    await append(store, b"on\n", minutes=2000)


async def test_a_key_is_in_force_until_it_is_revoked(store: Store):
    made = await store.create_key("ci", "read", "ab" * 32, at(60), at(0))
    with pytest.raises(StoreError, match="'ci'"):
        await store.create_key("ci", "admin", "cd" * 32, None, at(1))
    assert await store.keys() == (made,)
    assert await store.revoke_key("ci", at(2))
    assert not await store.revoke_key("ci", at(3))
    assert not await store.revoke_key("other", at(3))
    again = await store.create_key("ci", "write", "ef" * 32, None, at(4))
    assert await store.keys() == (replace(made, revoked_at=at(2)), again)
    assert "ab" * 32 not in repr(made)


async def test_the_last_cycle_is_told(store: Store):
    assert await store.last_cycle() is None
    skipped = skipped_run("web3")
    await store.save_cycle(Cycle("c-1", at(0), 1.5, (run(), failed_run("web2"), skipped)))
    await store.save_cycle(Cycle("c-2", at(1), 0.5, ()))
    await store.save_cycle(Cycle("c-0", at(-1), 0.5, ()))
    last = await store.last_cycle()
    assert (last.id, last.hosts) == ("c-2", 0)
    await store.prune(at(0), at(0), batch=10)
    assert (await store.last_cycle()).started_at == at(1)


async def test_stats_count_rows_and_bytes(store: Store):
    await append(store, b"the same line\n" * 10_000)
    stats = await store.stats()
    assert stats.revision == schema.REVISIONS[-1]
    assert stats.rows["runs"] == 1
    assert stats.chunk_bytes_raw == 140_000
    assert 0 < stats.chunk_bytes_stored < 2000
    assert stats.size > 0
    assert stats.oldest_run == at(0)


async def test_hostile_text_is_stored_escaped_and_harms_nothing(store: Store):
    line = "nul \0 half \udcff \ud83d line 🙂 " + "x" * 65536
    path = "/var/log/\udcff\0"
    hostile = replace(
        full_run(),
        error=line,
        summary=line,
        recommendations=(line,),
        findings=(replace(finding(line, (line,)), fields={"us\0er": line}, kind="\0", rule="\udc80"),),
        logs=(coverage(1, path=path, reason=line),),
    )
    reads = (replace(reading(HostState({}, frozenset()), b"x", path)),)
    await store.save_run(Visit(hostile, reads, frozenset({path}), (template(sample=line),)))
    escaped = line.replace("\0", "\\x00").replace("\udcff", "\\udcff").replace("\ud83d", "\\ud83d")
    latest = await store.latest_run("web1")
    assert latest.findings[0].evidence[0].line == escaped
    assert latest.findings[0].fields == {"us\\x00er": escaped}
    assert latest.summary == escaped
    assert latest.logs[0].path == "/var/log/\\udcff\\x00"
    assert list((await store.load_state("web1")).cursors) == ["/var/log/\\udcff\\x00"]


async def test_a_path_longer_than_an_index_entry_is_a_log_like_any(store: Store):
    path = "/" + os.urandom(8000).hex()
    await append(store, b"1", path=path)
    await append(store, b"2", path=path, minutes=1)
    assert await stored(store, path_glob=path) == b"12"


async def test_a_visit_with_thousands_of_logs_is_stored(store: Store):
    state = await store.load_state("web1")
    paths = [f"/var/log/{number}" for number in range(1500)]
    reads = tuple(reading(state, b"x\n", path) for path in paths)
    await store.save_run(Visit(run(logs=tuple(coverage(2, path=path) for path in paths)), reads, frozenset(paths)))
    assert (await store.load_state("web1")).cursors.keys() == set(paths)


async def test_many_hosts_are_saved_at_once(store: Store):
    data = os.urandom(100_000)
    hosts = [f"host{number}" for number in range(20)]
    for minute in range(3):
        await asyncio.gather(*(append(store, data, host=host, minutes=minute) for host in hosts))
    for host in hosts:
        assert await stored(store, host) == data * 3


async def test_a_cancelled_save_is_stored_whole_or_not_at_all(store: Store):
    await append(store, b"0\n")
    for minute in range(1, 30):
        save = asyncio.create_task(append(store, b"%d\n" % minute, minutes=minute))
        await asyncio.sleep(0.0005 * minute)
        save.cancel()
        await asyncio.gather(save, return_exceptions=True)
    runs = (await store.runs("web1", limit=100)).items
    expected = sorted(round((item.started_at - at(0)) / timedelta(minutes=1)) for item in runs)
    assert await stored(store) == b"".join(b"%d\n" % minute for minute in expected)
    await append(store, b"on\n", minutes=100)


async def test_a_log_that_could_not_be_read_leaves_no_cursor(store: Store):
    unreadable = LogReading(LOG, b"", None, 0, unreadable="no rights")
    await store.save_run(Visit(run(), (unreadable,)))
    assert (await store.load_state("web1")).cursors == {}


async def test_a_time_without_a_zone_is_refused(store: Store):
    with pytest.raises(StoreError, match="refused"):
        await store.save_run(Visit(replace(run(), started_at=at(0).replace(tzinfo=None))))


@pytest.mark.parametrize("edge", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
async def test_the_first_and_the_last_time_of_the_calendar_come_back(store: Store, edge: datetime):
    made = await store.create_key("ci", "read", "ab" * 32, edge, at(0))
    assert await store.keys() == (made,)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_time_outside_of_the_calendar_is_refused(store: Store, text: str):
    time = datetime.fromisoformat(text)
    for asked in (
        store.findings(since=time),
        store.coverage(since=time),
        store.prune(time, time),
        store.create_key("ci", "read", "ab" * 32, time, at(0)),
    ):
        with pytest.raises(StoreError, match=r"refused a value: .* years 1 to 9999 in UTC"):
            await asked
    assert await store.keys() == ()


async def test_ping_answers(store: Store):
    await store.ping()
