"""Logins to one place wait in line, those to another do not, and nobody who gives up blocks the line."""

import asyncio
from dataclasses import replace
from pathlib import Path

from dthostmon.model import SshAccess
from dthostmon.transport.handshakes import Handshakes, handshake_place

ACCESS = SshAccess("192.0.2.10", 22, "monitor", "key", "", str(Path("known_hosts")), 10.0, ())


def test_hosts_share_a_place_by_address_and_port() -> None:
    place = handshake_place(ACCESS)
    assert handshake_place(replace(ACCESS, user="other", key="other")) == place
    assert handshake_place(replace(ACCESS, port=2222)) != place
    assert handshake_place(replace(ACCESS, hostname="192.0.2.11")) != place


async def test_places_do_not_wait_for_each_other() -> None:
    handshakes = Handshakes(limit=1)
    async with handshakes.turn("one"), asyncio.timeout(1), handshakes.turn("another"):
        pass


async def test_the_line_survives_every_kind_of_cancellation() -> None:
    handshakes = Handshakes(limit=2)
    now = most = done = 0

    async def shake() -> None:
        nonlocal now, most, done
        async with handshakes.turn("one"):
            now += 1
            most = max(most, now)
            try:
                await asyncio.sleep(0.001)
                done += 1
            finally:
                now -= 1

    tasks = [asyncio.create_task(shake()) for _ in range(30)]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            task.cancel()
        await asyncio.sleep(0.0005)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == sum(not task.cancelled() for task in tasks)
    assert (most, now) == (2, 0)
    del tasks
    assert not handshakes._places  # nothing is remembered of a place where nobody logs in
