"""The files that a log went through since a visit, read one after the other, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import problems
from dthostmon.logs.compressed import is_compressed
from dthostmon.logs.positions import has_news, start_of
from dthostmon.logs.rotation import ListedFile, Unread
from dthostmon.logs.segments import Allowance, Segment, flush, read_segment, wait
from dthostmon.model import FilePosition, Finding, Gap
from dthostmon.transport import FileReader

REFUSALS_TOLD = 3  # a folder may hold 100,000 copies, and their reasons are stored with the gap


@dataclass(frozen=True, slots=True)
class Chain:
    """What was read of the files, oldest first. `pending` is what stands in those that were not reached, None where
    one of them is compressed.
    """

    segments: tuple[Segment, ...] = ()
    pending: int | None = 0
    gaps: tuple[Gap, ...] = ()
    problems: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    file: ListedFile
    position: FilePosition | None
    is_last: bool


async def read_chain(
    files: FileReader, match: Unread | None, later: Sequence[ListedFile], allowance: Allowance
) -> Chain:
    """Read on in the file that was found, then the later ones from their start, until the cap.

    A file that stays unfinished is where the next visit goes on. A copy that cannot be read is a gap; where the last
    file cannot, it is waited for.
    """
    links = _links(match, later)
    segments: list[Segment] = []
    refused: list[FileUnreadableError] = []
    for index, link in enumerate(links):
        try:
            segment = await _read_link(files, link, allowance)
        except FileUnreadableError as error:
            if link.is_last:
                told = problems.unreadable(error.path, error.reason)
                return Chain(tuple(segments), _size([link]), _gaps(refused), (told,))
            refused.append(error)
            continue
        if segment is None:
            return Chain(tuple(segments), _size(links[index:]), _gaps(refused))
        segments.append(segment)
        if not segment.is_finished:
            return Chain(tuple(segments), _size(links[index + 1 :]), _gaps(refused))
    return Chain(tuple(segments), 0, _gaps(refused))


def name_some(refused: Sequence[FileUnreadableError]) -> str:
    """Name the first copies that could not be read and count the others."""
    more = len(refused) - REFUSALS_TOLD
    return "; ".join([*map(str, refused[:REFUSALS_TOLD]), *([f"{more} more could not be read"] if more > 0 else [])])


def _gaps(refused: Sequence[FileUnreadableError]) -> tuple[Gap, ...]:
    return (Gap(None, name_some(refused)),) if refused else ()


def _links(match: Unread | None, later: Sequence[ListedFile]) -> Sequence[_Link]:
    first = [_Link(ListedFile(match.position.path, match.stat), match.position, is_last=not later)] if match else []
    return [*first, *(_Link(file, None, is_last=file is later[-1]) for file in later)]


async def _read_link(files: FileReader, link: _Link, allowance: Allowance) -> Segment | None:
    """Read one file; None where nothing of it can be taken now.

    The unfinished line of a rotated file comes before the next file's lines, so that the bytes stay in order.
    """
    unread = await _unread(files, link)
    if not allowance.left and unread.size:
        return None  # a position in a file of which nothing was seen would not find that file again
    if has_news(unread.position, unread.stat):
        segment = await read_segment(files, unread, allowance)
    else:
        segment = await wait(files, unread.position)
    if segment and segment.is_finished and (not link.is_last or is_compressed(link.file.path)):
        return await flush(files, segment)
    return segment


async def _unread(files: FileReader, link: _Link) -> Unread:
    if link.position:
        return Unread(link.position, link.file.stat)
    stat = await files.stat(link.file.path)
    if stat is None:
        raise FileUnreadableError(link.file.path, "it went away")
    return Unread(start_of(link.file.path, stat), stat)


def _size(links: Sequence[_Link]) -> int | None:
    """Return how much is not read in some files; None where one of them must be unpacked to tell."""
    if any(is_compressed(link.file.path) for link in links):
        return None
    return sum(link.file.stat.size - (link.position.offset if link.position else 0) for link in links)
