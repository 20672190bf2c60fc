"""The client's half of the conversation with the collector program, against hosts that say anything."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport import exchange
from dthostmon.transport.exchange import Answer, Exchange

BOUNDARY = "c0ffee00" * 4


def trailer(number: int, words: str = "ok") -> bytes:
    return f"\n{BOUNDARY} {number} {words}\n".encode()


class Sent(list[bytes]):
    """What was said, and a wait for it."""

    hung_up = 0

    def hang_up(self) -> None:
        self.hung_up += 1

    async def until(self, count: int) -> None:
        for _ in range(1000):
            if len(self) >= count:
                return
            await asyncio.sleep(0)
        pytest.fail(f"only {len(self)} of {count} requests were sent")


async def begun(noise: bytes = b"", stall_seconds: float = 5) -> tuple[Exchange, Sent]:
    """An exchange that was greeted; what is sent from now on is kept."""
    talk, sent = Exchange(BOUNDARY, "web1", stall_seconds), Sent()
    beginning = asyncio.create_task(talk.begin(b"hello\n", sent.append, sent.hang_up))
    await sent.until(1)
    talk.add(noise + trailer(0))
    await beginning
    sent.clear()
    return talk, sent


async def test_noise_before_the_greeting_is_no_answer() -> None:
    noise = f"Welcome!\n{'0' * 32} 0 error no\n\n{BOUNDARY[:-1]} 0 error no\n".encode() * 1000
    await begun(noise)


async def test_answers_go_to_their_questions_in_order() -> None:
    talk, sent = await begun()
    asking = [asyncio.create_task(talk.ask(f"read /{number} 0 100", 100)) for number in range(3)]
    await sent.until(3)
    assert sent == [b"read /0 0 100\n", b"read /1 0 100\n", b"read /2 0 100\n"]
    talk.add(b"one" + trailer(1) + b"two" + trailer(2, "error No such file") + trailer(3, "ok 0 bytes"))
    answers = await asyncio.gather(*asking)
    assert answers == [Answer(b"one", True, ""), Answer(b"two", False, "No such file"), Answer(b"", True, "0 bytes")]


async def test_a_cancelled_question_keeps_its_turn_and_its_answer_is_dropped() -> None:
    talk, sent = await begun()
    first, second = (asyncio.create_task(talk.ask(f"read /{number} 0 100", 100)) for number in range(2))
    await sent.until(2)
    first.cancel()
    await asyncio.wait([first])
    talk.add(b"one" + trailer(1))
    talk.add(b"two" + trailer(2))
    assert (await second).body == b"two"


async def test_no_more_than_a_few_questions_wait_for_answers() -> None:
    talk, sent = await begun()
    asking = [asyncio.create_task(talk.ask("read / 0 1", 1)) for _ in range(40)]
    for asked in asking[10:]:  # cancelled ones were never sent
        await asyncio.sleep(0)
        asked.cancel()
    await asyncio.wait(asking[10:])
    assert len(sent) == exchange.REQUESTS_AT_ONCE
    for number in range(10):
        await sent.until(number + 1)
        talk.add(trailer(number + 1))
    await asyncio.gather(*asking[:10])
    assert len(sent) == 10


BROKEN: dict[str, Callable[[Exchange], None]] = {
    "more than was asked for": lambda talk: talk.add(bytes(101) + trailer(1)),
    "without an end": lambda talk: [talk.add(bytes(1000)) for _ in range(10)] and None,
    "words without an end": lambda talk: talk.add(trailer(1)[:-1] + b"x" * 10_000),
    "another number": lambda talk: talk.add(trailer(2)),
    "a number that is none": lambda talk: talk.add(f"\n{BOUNDARY} x ok\n".encode()),
    "another verdict": lambda talk: talk.add(trailer(1, "okay")),
}


@pytest.mark.parametrize("said", BROKEN)
async def test_a_broken_answer_breaks_the_visit(said: str) -> None:
    talk, sent = await begun()
    asking = [asyncio.create_task(talk.ask("read / 0 100", 100)) for _ in range(2)]
    await sent.until(2)
    BROKEN[said](talk)
    for asked in asking:
        with pytest.raises(VisitError) as caught:
            await asked
        assert caught.value.kind is ErrorKind.PROTOCOL
    with pytest.raises(VisitError):
        await talk.ask("read / 0 100", 100)
    talk.add(bytes(10**6))
    assert (len(talk._buffer), sent.hung_up) == (0, 1)


async def test_answers_that_nobody_asked_for_break_the_visit() -> None:
    talk, _ = await begun()
    talk.add(trailer(1))
    with pytest.raises(VisitError, match="not due"):
        await talk.ask("stat /", 100)


async def test_a_host_that_says_nothing_more_is_given_up() -> None:
    talk, sent = await begun(stall_seconds=0.05)
    with pytest.raises(VisitError, match="said nothing for") as caught:
        await talk.ask("stat /", 100)
    assert (caught.value.kind, sent.hung_up) == (ErrorKind.TIMEOUT, 1)


async def test_the_end_of_the_program_ends_what_is_due() -> None:
    talk, sent = await begun()
    asked = asyncio.create_task(talk.ask("stat /", 100))
    await sent.until(1)
    talk.add(b"half an ans")
    talk.lost("")
    with pytest.raises(VisitError, match="ended"):
        await asked


async def test_a_program_that_ended_before_it_was_spoken_to_is_none() -> None:
    talk = Exchange(BOUNDARY, "web1", 5)
    talk.lost("")
    with pytest.raises(VisitError, match="ran no collector program"):
        await talk.begin(b"hello\n", Sent().append, lambda: None)


async def test_a_channel_that_is_closed_while_it_is_spoken_to_says_why_it_ended() -> None:
    talk = Exchange(BOUNDARY, "web1", 5)

    def send(_text: bytes) -> None:
        asyncio.get_running_loop().call_soon(talk.lost, "")
        raise BrokenPipeError("Channel not open for sending")

    with pytest.raises(VisitError, match="ran no collector program"):
        await talk.begin(b"hello\n", send, lambda: None)


@given(
    pieces=st.lists(st.binary(max_size=50) | st.just(b"\n" + BOUNDARY.encode()), max_size=20), cut=st.integers(1, 40)
)
@settings(deadline=None, max_examples=60)
def test_any_body_arrives_however_it_is_cut(pieces: list[bytes], cut: int) -> None:
    body = b"".join(pieces).replace(f"\n{BOUNDARY} ".encode(), b"")

    async def converse() -> bytes:
        talk, sent = await begun()
        asked = asyncio.create_task(talk.ask("read / 0 5000", 5000))
        await sent.until(1)
        stream = body + trailer(1)
        for start in range(0, len(stream), cut):
            talk.add(stream[start : start + cut])
        return (await asked).body

    assert asyncio.run(converse()) == body
