"""How far one file was read, and whether a file is still the one that was read: pure functions."""

import hashlib
from dataclasses import replace

from dthostmon.model import FilePosition
from dthostmon.transport import FileStat

FINGERPRINT_BYTES = 256
FLUSH_AFTER_VISITS = 2  # an unfinished line that two visits found unchanged is taken as it is
GONE_AFTER_VISITS = 2  # a file that two visits did not find is gone
SURE_AFTER_VISITS = 2  # two visits within one second are possible, more are not
HELD_VISITS = 2  # how long a rotation under way, or a size that went back, is waited for


def fingerprint(before: bytes) -> str:
    """Hash the last bytes before an offset: what a file must hold there to be the file that was read."""
    return hashlib.sha256(before[-FINGERPRINT_BYTES:]).hexdigest()


def start_of(path: str, stat: FileStat) -> FilePosition:
    """Stand at the first byte of a file, nothing of it seen."""
    return FilePosition(
        path=path, offset=0, examined=0, size=0, mtime=stat.mtime, inode=stat.inode, fingerprint=fingerprint(b"")
    )


def moved(position: FilePosition, stat: FileStat, before: bytes, taken: int, examined: int) -> FilePosition:
    """Stand `taken` bytes further, having examined `examined` bytes behind the old offset; `before` ends at the new
    one.
    """
    return replace(
        position,
        offset=position.offset + taken,
        examined=position.offset + examined,
        size=stat.size,
        mtime=stat.mtime,
        inode=stat.inode,
        fingerprint=fingerprint(before),
        unchanged=0,
        absent=0,
        held=0,
    )


def with_head(position: FilePosition, start: bytes) -> FilePosition:
    """Remember how a file begins; `start` are its first bytes, of which up to FINGERPRINT_BYTES count."""
    head = start[:FINGERPRINT_BYTES]
    return replace(position, head=fingerprint(head), head_size=len(head))


def is_shrunk(position: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file that we stand in became too short to hold our place, and not too short to be known."""
    return 0 < position.head_size <= stat.size < position.offset


def is_unchanged(position: FilePosition, stat: FileStat) -> bool:
    """Tell whether nothing was written since the visit that left this position."""
    return stat.size == position.size and stat.mtime == position.mtime and _same_inode(position, stat)


def has_news(position: FilePosition, stat: FileStat) -> bool:
    """Tell whether a file holds bytes that were not examined: written since, or left behind by a cap."""
    return position.examined < position.size or not is_unchanged(position, stat)


def waited(position: FilePosition) -> FilePosition:
    """Stand at the same place for one more visit; they are counted as far as the number matters."""
    unchanged = min(position.unchanged + 1, max(FLUSH_AFTER_VISITS, SURE_AFTER_VISITS))
    return replace(position, unchanged=unchanged, absent=0, held=0)


def is_flush_due(position: FilePosition) -> bool:
    """Tell whether an unfinished last line has waited long enough."""
    return position.offset < position.examined and position.unchanged + 1 >= FLUSH_AFTER_VISITS


def unread_bytes(position: FilePosition) -> int:
    """Return how many bytes were seen behind the offset and not taken."""
    return position.size - position.offset


def given_up(position: FilePosition) -> FilePosition:
    """Stand at the end of a file that is gone: what was left of it is accounted for."""
    return replace(position, examined=position.offset, size=position.offset)


def is_recognisable(position: FilePosition) -> bool:
    """Tell whether enough bytes stand before the offset to know the file by them: few may be the same in every file."""
    return position.offset >= FINGERPRINT_BYTES


def may_continue(position: FilePosition, stat: FileStat) -> bool:
    """Tell whether the file at the log's own path is worth the first look."""
    return is_recognisable(position) and stat.size >= position.offset and _same_inode(position, stat)


def _same_inode(position: FilePosition, stat: FileStat) -> bool:
    return position.inode is None or stat.inode is None or position.inode == stat.inode
