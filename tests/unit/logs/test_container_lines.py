"""Where one visit to a container ends and the next begins: each line once, whatever the stamps and the visits."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.logs.container_lines import (
    RECENT_BYTES,
    RECENT_LINES,
    SECOND,
    Line,
    asked_since,
    format_stamp,
    parse_printed,
    parse_stamp,
    select_last,
    select_new,
    token_stamp,
)
from dthostmon.model import StreamPosition

NOW = 1_795_777_000 * SECOND
NOTHING = StreamPosition("", "id")

texts = st.sampled_from([b"", b"a", b"b", b"GET / 200", b"2026-11-27T10:57:20Z forged", b"\xff\x00"])
moments = st.integers(0, 3 * SECOND) | st.sampled_from([0, SECOND, 2 * SECOND])
records = st.lists(st.tuples(moments, texts, st.booleans()), max_size=40)


def as_printed(records: list[tuple[int, bytes, bool]], begin: int | None = None, *, inclusive: bool = True) -> bytes:
    """Print records (stamp, text, ends with a newline) as an engine does that was asked for those since `begin`."""
    chosen = [record for record in records if begin is None or (record[0] >= begin if inclusive else record[0] > begin)]
    return b"".join(_printed(*record) for record in chosen)


def _printed(stamp: int, text: bytes, is_ended: bool) -> bytes:
    return format_stamp(stamp).encode() + b" " + text + (b"\n" if is_ended else b"")


@given(records, st.lists(st.integers(0, 40), max_size=6), st.booleans(), st.sampled_from([60, 200, 10**6]))
def test_any_split_of_a_stream_into_visits_gives_each_line_once(
    records: list[tuple[int, bytes, bool]], splits: list[int], inclusive: bool, allowance: int
) -> None:
    # written in the order of stamps but for less than a second, as two streams that are merged are
    written = [(NOW + stamp, text, True) for stamp, text, _ in _nearly_sorted(records)]
    position, taken = NOTHING, []
    for end in [*sorted(splits), *[len(written)] * 80]:
        printed = parse_printed(as_printed(written[:end], asked_since(position), inclusive=inclusive))
        selected = select_new(printed.lines, position, allowance)
        position = selected.position
        taken += [line.raw for line in selected.lines]
        if end == len(written) and not selected.is_cut:
            break
    assert Counter(taken) == Counter(_printed(*record) for record in written)


def _nearly_sorted(records: list[tuple[int, bytes, bool]]) -> list[tuple[int, bytes, bool]]:
    """Order records so that each is later than those that arrived a good half second before it."""
    return sorted(records, key=lambda record: record[0] // (SECOND // 2))


@given(records, st.lists(st.integers(0, 40), max_size=6))
def test_a_line_of_several_records_is_taken_once_too(records: list[tuple[int, bytes, bool]], splits: list[int]) -> None:
    written = [(NOW + stamp, text, is_ended) for stamp, text, is_ended in sorted(records)] + [
        (NOW + 9 * SECOND, b"end", True)
    ]
    position, taken = NOTHING, b""
    for end in [*sorted(splits), len(written), len(written)]:
        printed = parse_printed(as_printed(written[:end], asked_since(position)))
        selected = select_new(printed.lines, position, 10**6)
        position = selected.position
        taken += b"".join(line.raw for line in selected.lines)
    assert _without_newlines(taken) == _without_newlines(as_printed(written))


def _without_newlines(data: bytes) -> bytes:
    return data.replace(b"\n", b"")


def test_a_container_that_goes_on_behind_an_unfinished_line_repeats_nothing() -> None:
    two = Line(NOW, b"2026-11-27T10:56:40Z two\n")
    position = select_new([two], NOTHING, 10**9).position
    printed = parse_printed(b"2026-11-27T10:56:40Z two2026-11-27T10:56:40.5Z three\n")
    selected = select_new(printed.lines, position, 10**9)
    assert [line.raw for line in selected.lines] == [b"2026-11-27T10:56:40.5Z three\n"]
    again = select_new(printed.lines, selected.position, 10**9)
    assert again.lines == ()


@given(st.integers(SECOND, 9 * 10**18))
def test_a_stamp_is_read_as_it_was_written(stamp: int) -> None:
    assert parse_stamp(format_stamp(stamp).encode()) == stamp


@pytest.mark.parametrize(
    "text",
    [
        b"2026-11-27T11:03:26.5Z",
        b"2026-11-27T11:03:26.500000000Z",
        b"2026-11-27T12:03:26.5+01:00",
        b"2026-11-27T05:33:26.50-05:30",
    ],
)
def test_all_ways_to_write_a_stamp_are_one_moment(text: bytes) -> None:
    assert parse_stamp(text) == 1_795_777_406 * SECOND + SECOND // 2


@pytest.mark.parametrize("text", [b"2026-13-27T11:03:26Z", b"0000-01-01T00:00:00Z", b"9999-12-31T23:59:59-23:59"])
def test_a_stamp_that_is_no_time_is_no_stamp(text: bytes) -> None:
    assert parse_stamp(text) is None
    assert parse_printed(text + b" line\n").lines == ()


def test_what_has_no_stamp_was_said_by_the_engine() -> None:
    printed = parse_printed(b"2026-11-27T11:03:26Z one\nError: log damaged\n2026-11-27T11:03:27Z unfini")
    assert [line.raw for line in printed.lines] == [b"2026-11-27T11:03:26Z one\n"]
    assert printed.said == b"Error: log damaged"
    assert printed.tail is not None
    assert printed.tail.raw == b"2026-11-27T11:03:27Z unfini\n"


def test_a_burst_narrows_the_window_so_that_few_lines_are_remembered() -> None:
    lines = [Line(NOW + number, b"x %d\n" % number) for number in range(5000)]
    position = select_new(lines, NOTHING, 10**9).position
    assert len(position.recent) == RECENT_LINES
    assert token_stamp(position) == NOW + 5000 - RECENT_LINES


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_line_with_the_very_stamp_where_the_window_begins_is_read(inclusive: bool) -> None:
    written = [(NOW, b"early", True)] * 500 + [(NOW + 5, b"same", True)] * RECENT_LINES
    position = select_new(parse_printed(as_printed(written)).lines, NOTHING, 10**9).position
    assert token_stamp(position) == NOW + 5
    written += [(NOW + 5, b"same", True)]
    printed = parse_printed(as_printed(written, asked_since(position), inclusive=inclusive))
    assert [line.stamp for line in select_new(printed.lines, position, 10**9).lines] == [NOW + 5]


def test_long_lines_narrow_the_window_too() -> None:
    lines = [Line(NOW + number, b"x" * 10_000 + b"\n") for number in range(50)]
    position = select_new(lines, NOTHING, 10**9).position
    assert len(position.recent) == RECENT_BYTES // 10_001


def test_more_lines_of_one_stamp_than_are_remembered_are_not_asked_for_again() -> None:
    lines = [Line(NOW, b"x %d\n" % number) for number in range(RECENT_LINES + 1)]
    position = select_new(lines, NOTHING, 10**9).position
    assert position == StreamPosition(format_stamp(NOW + 1), "id", ())


def test_the_look_back_takes_whole_lines_from_the_end() -> None:
    lines = [Line(NOW + number, b"s line %d\n" % number) for number in range(10)]
    selected = select_last(lines, NOTHING, 25)
    assert [line.raw for line in selected.lines] == [b"s line 8\n", b"s line 9\n"]
    assert select_new(lines, selected.position, 10**9).lines == ()


def test_of_a_line_of_nothing_but_stamps_the_last_records_are_looked_at() -> None:
    stamps = [b"2026-11-27T10:57:20.%09dZ " % number for number in range(3 * RECENT_LINES)]
    records = list(Line(0, b"".join(stamps) + b"end\n").records)
    assert len(records) == RECENT_LINES
    assert records[-1].raw == stamps[-1] + b"end\n"
