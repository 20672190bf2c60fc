"""The collector of circular garbage, kept from looking for any where there is none.

Lines become many small tuples that hold no circles; to look through them again and again took a quarter of the time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS_PER_LOOK = 50_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector look more rarely while the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], ALLOCATIONS_PER_LOOK), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
