"""Whatever a host answers: a journal and a container take whole lines of it, or say why not, and never break."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.logs.containers import Container, ContainerStream, parse_listing
from dthostmon.logs.journal import JournalStream
from dthostmon.logs.streams import Collected, Stream, Taken, why_failed
from dthostmon.model import HostState, StreamPosition
from dthostmon.transport import CommandOutput

CURSOR = "s=a1;i=1;b=b2;m=c3;t=d4;x=e5"
STAMP = "2026-11-27T10:57:20.5Z"

pieces = st.sampled_from(
    [
        b"__CURSOR=" + CURSOR.encode() + b"\n",
        b"__CURSOR=s=a1;i=2;b=b2;m=c4;t=d5;x=e6\n",
        b"__REALTIME_TIMESTAMP=1700000000000000\n",
        b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n",
        b"MESSAGE=text\n",
        b"\n",
        STAMP.encode() + b" line\n",
        b"2026-11-27T10:57:21Z half",
        b"9999-12-31T23:59:58.999999999Z late\n",
        b"0001-01-01T00:00:00+23:59 early\n",
        b"1795776000",
    ]
)
answers = st.builds(
    CommandOutput,
    st.lists(pieces | st.binary(max_size=8), max_size=12).map(b"".join),
    st.sampled_from([0, 1, 124, 127, 141, None]),
    st.booleans(),
)
positions = st.none() | st.builds(StreamPosition, st.sampled_from(["", STAMP, "no stamp"]), st.just("ab" * 6))
tokens = st.sampled_from([None, "", CURSOR])


def answer(stream: Stream, data: st.DataObject) -> Taken:
    fine = CommandOutput(b"", 0)
    outputs = {part: fine if part == "access" else data.draw(answers, part) for part in stream.commands}
    taken = stream.take(outputs, data.draw(st.sampled_from([0, 50, 10**6]), "allowance"))
    if taken.repeat:  # it is asked once more, and whatever it answers then counts
        taken = taken.repeat.take({part: outputs.get(part, fine) for part in taken.repeat.commands}, 50)
    return taken


def is_sound(taken: Taken) -> bool:
    return (taken.data == b"" or taken.data.endswith(b"\n")) and (taken.position is not None or taken.data == b"")


@given(st.data(), tokens, st.sampled_from(["journal:", "journal:a.service"]))
def test_a_journal_takes_whole_lines_of_any_answer(data: st.DataObject, token: str | None, path: str) -> None:
    taken = answer(JournalStream(path, token, 1000), data)
    assert is_sound(taken)
    assert taken.position is not None or taken.problems


@given(st.data(), positions, st.sampled_from(["docker", "podman"]), st.booleans())
def test_a_container_takes_whole_lines_of_any_answer(
    data: st.DataObject, position: StreamPosition | None, engine: str, is_running: bool
) -> None:
    stream = ContainerStream(Container(engine, "ab" * 6, "web", is_running), position, 1000)
    taken = answer(stream, data)
    assert is_sound(taken)
    assert taken.position is not None or taken.problems


@given(st.dictionaries(st.sampled_from(["docker", "podman"]), answers, min_size=2))
def test_any_listing_is_read(outputs: dict[str, CommandOutput]) -> None:
    listing = parse_listing(outputs)
    assert all(container.id.isalnum() for container in listing.containers)


def test_a_failure_is_told_with_its_first_words_made_safe_to_show() -> None:
    output = CommandOutput(b"\n\x1b[31mcannot\x00 " + b"x" * 500 + b"\nmore", 3)
    reason = why_failed(output)
    assert reason is not None
    assert reason.startswith("exit status 3, it said: cannot xxx")
    assert len(reason) < 300
    assert reason.isprintable()


def test_what_stands_in_a_stream_that_may_not_be_read_is_unknown() -> None:
    collected = Collected(HostState({}, frozenset()))
    collected.add("docker:web", Taken(unreadable="no rights"))
    assert [log.bytes_pending for log in collected.reading().logs] == [None]
