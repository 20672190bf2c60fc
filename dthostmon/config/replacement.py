"""Replaces a file by its next content: whole or not at all, with the mode and the owner that it had."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_MODE = 0o600


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Let one process at a time change the files beside `path`; raises OSError where its folder cannot be opened."""
    folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a file system without locks: two edits at one moment are then the user's own
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file (a link's target) anew; one that is new is its owner's alone. Raises OSError, the old file stays."""
    target = path.resolve()
    before = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            _take_over(file.fileno(), before)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _take_over(descriptor: int, before: os.stat_result | None) -> None:
    if before is None:
        os.fchmod(descriptor, PRIVATE_MODE)
        return
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o7777)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
