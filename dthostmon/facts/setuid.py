"""Files that run with the rights of their owner, in the folders where programs are and where anybody may write.

The whole disk is never searched: that would cost more than all other probes together.
"""

import asyncio
import posixpath
import re
import stat
from collections.abc import Iterable, Mapping, Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import plain
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import SetuidFile, ThingKind
from dthostmon.transport import paths

# Where systems keep programs, and the few of theirs that other programs start; and where everybody may leave one.
_PROGRAM_FOLDERS = (
    *("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec"),
    *("/usr/lib/openssh", "/usr/lib/dbus-1.0", "/usr/lib/polkit-1", "/usr/lib/policykit-1", "/usr/lib/ssh"),
)
_OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  # they are looked into, nothing is put there
MAX_FILES = 2000
_BITS = stat.S_ISUID | stat.S_ISGID
_LINE = re.compile(rb"([0-7]{4,5}) (\d{1,10}) (/.+)")
_END = b"end"

# Folders that are links (/bin) are not followed: the same files would be told twice. In folders that are open to all,
# a file may go while it is looked at, which is no failure: GNU's find is told so, and any other looks there by itself.
_TEST = "-maxdepth 1 -type f -perm /6000"
COMMAND = f"""look() {{ find "$@" {_TEST} -exec stat -c '%a %u %n' {{}} +; }}
set --
for folder in {" ".join(_PROGRAM_FOLDERS)}; do [ -d "$folder" ] && set -- "$@" "$folder"; done
if find "$@" {" ".join(_OPEN_FOLDERS)} -ignore_readdir_race {_TEST} -printf '%m %U %p\\n'; then echo {_END.decode()}
else look "$@" && {{ look {" ".join(_OPEN_FOLDERS)}; echo {_END.decode()}; }}
fi"""


async def listed(files: FactFiles) -> Told:
    """Tell what COMMAND prints, by listing the folders."""
    told = await asyncio.gather(*(_lines(files, folder) for folder in (*_PROGRAM_FOLDERS, *_OPEN_FOLDERS)))
    return Told(b"\n".join([*(line for lines in told for line in lines), _END]))


async def _lines(files: FactFiles, folder: str) -> Sequence[bytes]:
    if await files.link(folder) is not None:
        return []
    lines = []
    for entry in await files.list(folder):
        path = posixpath.join(folder, entry.name)
        if entry.stat.mode is None:
            raise FileUnreadableError(path, "the host does not tell its mode")
        if entry.stat.regular and entry.stat.mode & _BITS:
            found = entry.stat if entry.stat.uid is not None else await files.stat(path)
            if found is not None and found.mode is not None and found.uid is not None:
                lines.append(b"%o %d %s" % (stat.S_IMODE(found.mode), found.uid, paths.to_bytes(path)))
    return lines


def paths_in(output: bytes) -> Iterable[bytes]:
    """Return the paths that the lines of `mode uid path` name."""
    return (match[3] for line in output.splitlines() if (match := _LINE.fullmatch(line)))


def parse(output: bytes, users: Mapping[int, str]) -> tuple[tuple[SetuidFile, ...], Mapping[ThingKind, str]]:
    """Read lines of `mode uid path`, of which the last one says that all were told."""
    lines = output.splitlines()
    if not lines or lines[-1] != _END:
        return (), {ThingKind.SETUID: "the folders of programs could not be searched to their end"}
    found = tuple(sorted(_files(lines, users), key=lambda file: file.path))
    if len(found) > MAX_FILES:
        return found[:MAX_FILES], {ThingKind.SETUID: f"there are more than {MAX_FILES} such files"}
    return found, {}


def _files(lines: Iterable[bytes], users: Mapping[int, str]) -> Iterable[SetuidFile]:
    # No name holds a slash, so one that holds a newline cannot make up a line of its own.
    found = {match[3]: match for line in lines if (match := _LINE.fullmatch(line))}
    for path, match in found.items():
        mode, uid = int(match[1], 8), int(match[2])
        if mode & _BITS:
            yield SetuidFile(plain(paths.to_text(path)), users.get(uid, str(uid)), mode)
