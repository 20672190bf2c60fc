"""Keeps the daemon small."""

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # from malloc.h of glibc


def keep_one_arena() -> None:
    """Have all threads share one heap: glibc gives each its own, which costs a daemon with few busy threads about 4 MB.

    Other C libraries have no such call, and no such heaps.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
