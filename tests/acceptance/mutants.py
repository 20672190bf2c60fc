"""The program with one thing changed: a safeguard taken out (the tests of the tests run that), or slow visits."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = 0.3


def without_compare_and_swap() -> None:
    """Cursors are stored whatever another visit stored meanwhile."""
    from dthostmon.store import cursors

    original: Callable[..., Any] = cursors.swap

    async def swap_or_not(*arguments: Any) -> bool:
        await original(*arguments)
        return True

    cursors.swap = swap_or_not


def without_fingerprint() -> None:
    """A file is taken for the one that was read whatever its bytes are."""
    from dthostmon.logs import file_log, positions, rotation, segments

    for module in (file_log, positions, rotation, segments):
        module.fingerprint = lambda _before: "the same for all"  # type: ignore[attr-defined]  # that is the mutation


def slow() -> None:
    """A visit takes a while before its facts, and its transaction stays open for a while once the cursors are in it.

    So two visits overlap, and kills fall into the visit and into the open transaction.
    """
    from dthostmon import facts
    from dthostmon.store import cursors

    ask, save = facts.ask, cursors.save

    async def ask_slowly(*arguments: Any) -> Any:
        await asyncio.sleep(PAUSE_SECONDS)
        return await ask(*arguments)

    async def save_slowly(connection: Any, *arguments: Any) -> None:
        await save(connection, *arguments)
        if connection.dialect.name == "sqlite":
            time.sleep(PAUSE_SECONDS)  # a transaction there has a thread for itself, and no event loop
        else:
            await asyncio.sleep(PAUSE_SECONDS)

    facts.ask = ask_slowly
    cursors.save = save_slowly


MUTATIONS = {"compare-and-swap": without_compare_and_swap, "fingerprint": without_fingerprint, "slow": slow}

if __name__ == "__main__":
    for mutation in sys.argv[1].split(","):
        MUTATIONS[mutation]()
    from dthostmon.cli import run_command_line

    sys.exit(run_command_line(sys.argv[2:]))
