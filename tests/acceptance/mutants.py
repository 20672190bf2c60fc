"""The program with one safeguard taken out: what the tests of the tests run."""

import sys
from collections.abc import Callable
from typing import Any


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
    from dthostmon.logs import positions, reading, rotation

    for module in (positions, reading, rotation):
        module.fingerprint = lambda _before: "the same for all"  # type: ignore[attr-defined]  # that is the mutation


MUTATIONS = {"compare-and-swap": without_compare_and_swap, "fingerprint": without_fingerprint}

if __name__ == "__main__":
    MUTATIONS[sys.argv[1]]()
    from dthostmon.cli import run_command_line

    sys.exit(run_command_line(sys.argv[2:]))
