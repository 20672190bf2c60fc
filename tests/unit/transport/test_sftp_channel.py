"""The bytes of a channel have no borders: however they are cut, the same answers come out."""

import asyncio
import struct

import asyncssh
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon.transport.sftp_channel import Refused, SftpChannel
from dthostmon.transport.sftp_messages import Answer, BadAnswer, Kind, string


def message(kind: Kind, body: bytes) -> bytes:
    return struct.pack(">IB", 1 + len(body), kind) + body


HELLO = message(Kind.VERSION, struct.pack(">I", 3))


@settings(deadline=None)  # of 70,000 bytes one by one
@given(
    sizes=st.lists(st.integers(0, 300) | st.just(70_000), min_size=1, max_size=6),
    cuts=st.lists(st.integers(1, 80) | st.just(32_768), min_size=1, max_size=40),
)
def test_answers_are_the_same_however_they_are_cut(sizes: list[int], cuts: list[int]) -> None:
    contents = [bytes([number]) * size for number, size in enumerate(sizes)]
    answers = [message(Kind.DATA, struct.pack(">I", number + 1) + string(data)) for number, data in enumerate(contents)]
    stream = HELLO + b"".join(answers)

    async def read() -> list[bytes]:
        channel = SftpChannel(5.0)
        reads = [asyncio.create_task(channel.read(b"handle", 0, 100_000)) for _ in contents]
        await asyncio.sleep(0)  # each has made its request
        at = 0
        while at < len(stream):
            for cut in cuts:
                channel.data_received(stream[at : at + cut], None)
                at += cut
        try:
            return list(await asyncio.gather(*reads))
        finally:
            channel.end()

    assert asyncio.run(read()) == contents


@given(st.binary(max_size=200))
def test_whatever_a_server_sends_is_an_answer_or_a_failure(stream: bytes) -> None:
    async def read() -> bytes | None:
        channel = SftpChannel(5.0)
        reading = asyncio.create_task(channel.read(b"handle", 0, 100))
        await asyncio.sleep(0)
        channel.data_received(HELLO + stream, None)
        channel.end()
        try:
            return await reading
        except (asyncssh.Error, Refused):
            return None

    asyncio.run(read())


@given(st.binary(min_size=1, max_size=100))
def test_whatever_stands_in_an_answer_it_is_taken_or_is_bad(body: bytes) -> None:
    for take in (Answer.attributes, Answer.names, Answer.string, Answer.uint64):
        try:
            take(Answer(body, 0, len(body)))
        except BadAnswer:
            continue
