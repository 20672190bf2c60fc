"""One state of a local file: what a cache of its parsed content is keyed by, so an edit is seen at the next use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class FileState:
    """A path and what changes when the file does; `mode` is the whole st_mode."""

    path: Path
    mtime_ns: int
    size: int
    mode: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Look at a path that may begin with ~. Raises OSError, and RuntimeError where ~ leads nowhere."""
        path = Path(text).expanduser()
        found = path.stat()
        return cls(path, found.st_mtime_ns, found.st_size, found.st_mode)
