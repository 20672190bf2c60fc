"""What the database holds is told whole: lines over chunks, findings over pages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from dthostmon.cli.pages import ROWS_PER_QUERY, newest
from dthostmon.cli.stored_logs import whole_lines
from dthostmon.model import Finding, FindingSource, Run, RunStatus, Severity, Visit
from dthostmon.store import StoredChunk, open_store

START = datetime(2026, 1, 31, tzinfo=UTC)
FINDINGS = 2 * ROWS_PER_QUERY + 7


async def chunks(*pieces: tuple[str, int, bytes]) -> AsyncIterator[StoredChunk]:
    for path, minutes, data in pieces:
        yield StoredChunk(path, START + timedelta(minutes=minutes), data)


async def lines(*pieces: tuple[str, int, bytes]) -> list[tuple[str, str]]:
    return [(chunk.path, line) async for chunk, line in whole_lines(chunks(*pieces))]


async def test_a_line_longer_than_a_chunk_is_one_line() -> None:
    told = await lines(("a", 0, b"one\ntw"), ("a", 0, b"o \xc3"), ("a", 0, b"\xbc\n\nthree\n"))
    assert told == [("a", "one"), ("a", "two ü"), ("a", ""), ("a", "three")]


async def test_lines_of_other_logs_and_visits_are_not_joined() -> None:
    told = await lines(("a", 0, b"tail"), ("b", 0, b"other\n"), ("b", 1, b"later"), ("b", 2, b"end"))
    assert told == [("a", "tail"), ("b", "other"), ("b", "later"), ("b", "end")]


async def test_bytes_that_are_no_text_are_shown() -> None:
    assert await lines(("a", 0, b"\xff\x00\r\n")) == [("a", "\\xff\x00\r")]


def finding(number: int) -> Finding:
    return Finding("auth", Severity.WARN, f"number {number}", FindingSource.RULE)


async def test_as_many_findings_are_told_as_were_asked_for(tmp_path: Path) -> None:
    found = tuple(finding(number) for number in range(FINDINGS))
    run = Run("web1", None, RunStatus.OK, START, 1.0, Severity.WARN, 50, findings=found)
    store = await open_store(f"sqlite:///{tmp_path}/test.db")
    try:
        await store.save_run(Visit(run))
        for limit in (1, ROWS_PER_QUERY, ROWS_PER_QUERY + 1, FINDINGS - 1):
            page = await newest(partial(store.findings, None, None), limit)
            assert (len(page.items), page.next is None) == (limit, False)
        for limit in (FINDINGS, 10**9):
            page = await newest(partial(store.findings, "web1", START), limit)
            assert len({one.finding.title for one in page.items}) == FINDINGS
            assert page.next is None
    finally:
        await store.close()
