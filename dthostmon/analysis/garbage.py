"""The collector of circular garbage, kept from looking for any where there is none.

Lines become many small tuples that hold no circles; to look through them again and again took a quarter of the time.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS_PER_LOOK = 1_000_000

_lock = threading.Lock()
_users: list[tuple[int, int, int]] = []  # the threshold that each of the present users found


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector look more rarely while the block runs, in however many threads."""
    with _lock:
        _users.append(_users[0] if _users else gc.get_threshold())
        gc.set_threshold(ALLOCATIONS_PER_LOOK, *_users[0][1:])
    try:
        yield
    finally:
        with _lock:
            before = _users.pop()
            if not _users:
                gc.set_threshold(*before)
