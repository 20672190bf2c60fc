"""The files that a configuration was read from, and whether they have changed since."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024


class UnusableFileError(ValueError):
    """The file is no configuration and no secret; the message says why."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was read; `others_read` is whether every user of the machine may read it."""

    path: Path
    stamp: tuple[int, int, int]
    digest: bytes
    others_read: bool

    def changed(self) -> bool:
        """Tell whether the content is another one now; the file is read only where its stat says that it may be."""
        try:
            if _stamp(self.path.stat()) == self.stamp:
                return False
            return read_source(self.path)[0].digest != self.digest
        except (OSError, UnusableFileError):
            return True


def read_source(path: Path) -> tuple[SourceFile, bytes]:
    """Read a file whole; raises OSError, and UnusableFileError for a pipe or device and past 4 MiB."""
    if not stat.S_ISREG(path.stat().st_mode):  # before open, which would wait for a pipe's writer
        raise UnusableFileError("it is not a regular file")
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnusableFileError(f"it is larger than {MAX_BYTES} bytes")
    others_read = bool(status.st_mode & 0o004)
    return SourceFile(path, _stamp(status), hashlib.sha256(data).digest(), others_read), data


def unreadable(error: OSError | ValueError) -> str:
    """Say in a few words why a file could not be used."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    return str(error) if isinstance(error, UnusableFileError) else "it is not UTF-8 text"


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino
