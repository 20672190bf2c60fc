"""The real mounts of a machine: their space, their inodes, and whether they can be written to."""

import asyncio
import re
from collections.abc import Iterator

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.processor import percent
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import DiskUsage
from dthostmon.transport import paths

# What a disk is here: file systems that hold data of this machine. Network mounts belong to their server and may hang;
# tmpfs, squashfs and the like cannot fill up in a way that matters. A container's root is an overlay.
DISK_FILESYSTEMS = (
    "ext2|ext3|ext4|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs|ntfs3|fuseblk|ubifs|jffs2|nilfs2"
)
LARGEST_DISK = 2**63 - 1  # bytes; no file system tells more, and no database stores it
MOUNTS_LIMIT = 1000  # a host that shows more has stopped describing disks
MOUNTS_BYTES = 1024 * 1024  # the options of one overlay of containers may take some thousand

# All disks are asked for at once. /proc/self/mounts writes a blank in a name as \040, which printf's %b reads as the
# character; such a name may hold anything, so it is asked for by itself. No other name has a blank or a newline.
_USAGE = "%S %b %f %a %c %d"
_REAL = f"^[^ ]+ ([^ ]+ ({DISK_FILESYSTEMS})|/ overlay) "
DISKS_COMMAND = rf"""mounts=$(grep -aE -m {MOUNTS_LIMIT} '{_REAL}' /proc/self/mounts)
set -f
IFS='
'
set --
for line in $mounts; do
mount=${{line#* }}
mount=${{mount%% *}}
case $mount in *\\*) ;; *) set -- "$@" "$mount" ;; esac
done
usages="
$([ "$1" ] && stat -f -c '%n {_USAGE}' "$@")
"
for line in $mounts; do
mount=${{line#* }}
rest=${{mount#* }}
options=${{rest#* }}
mount=${{mount%% *}}
case $mount in
*\\*) usage=$(stat -f -c '{_USAGE}' "$(printf %b "$mount")") || continue ;;
*) usage=${{usages#*"
$mount "}}
[ "$usage" = "$usages" ] && continue
usage=${{usage%%"
"*}} ;;
esac
printf '%s\n' "${{line%% *}} $mount ${{rest%% *}} $usage ${{options%% *}}"
done"""

ESCAPED_CHARACTER = re.compile(r"\\(\d{3})")
ESCAPED_BYTE = re.compile(rb"\\([0-3][0-7]{2})")
LONGEST_REASON = 1000


def used_percent(total: int | None, free: int | None) -> float | None:
    """Return how much of a total is not free, in percent; None where that cannot be."""
    if not total or free is None or free > total:
        return None
    return percent(total - free, total)


def parse_disks(raw: bytes) -> tuple[DiskUsage, ...]:
    """Read lines of `device mount type block-size blocks free available inodes free-inodes options`.

    The options may be left out: whether the disk is read-only is unknown then. A device that is mounted at several
    places (bind mounts) is told once, at its shortest path.
    """
    lines = raw.decode(errors="backslashreplace").split("\n")[:MOUNTS_LIMIT]
    disks = [disk for line in lines if (disk := _disk(line))]
    shortest: dict[str, DiskUsage] = {}
    for disk in sorted(disks, key=lambda disk: (len(disk.mount), disk.mount)):
        shortest.setdefault(disk.device if disk.device.startswith("/") else disk.mount, disk)
    return tuple(sorted(shortest.values(), key=lambda disk: disk.mount))


def _disk(line: str) -> DiskUsage | None:
    fields, options = line.split(" ")[:9], line.split(" ")[9:]
    if len(fields) != 9 or len(options) > 1 or not all(re.fullmatch(r"\d{1,18}", number) for number in fields[3:]):
        return None
    block, blocks, free, available, inodes, free_inodes = map(int, fields[3:])
    used = blocks - free
    if not blocks or used < 0 or block * blocks > LARGEST_DISK:
        return None
    return DiskUsage(
        mount=_unescape(fields[1]),
        device=_unescape(fields[0]),
        filesystem=fields[2],
        size=block * blocks,
        used=block * used,
        percent=percent(used, used + available) if used + available else None,
        inodes_percent=used_percent(inodes, free_inodes),
        read_only="ro" in options[0].split(",") if options else None,
    )


def _unescape(name: str) -> str:
    """Undo the kernel's \\040 for blanks; other control characters stay escaped, since people read these names.

    The kernel escapes only what would break its lines: ESC, or a mark that turns text round, is escaped here.
    """
    text = ESCAPED_CHARACTER.sub(lambda octal: " " if octal[1] == "040" else octal[0], name)
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"


async def disk_lines(files: FactFiles) -> Told:
    """Tell the lines that DISKS_COMMAND prints: `parse_disks` says what is in them."""
    try:
        mounts = await files.content("/proc/self/mounts", MOUNTS_BYTES)
    except FileUnreadableError:
        mounts = await files.content("/proc/mounts", MOUNTS_BYTES)
    answers = await asyncio.gather(*(_usage_line(files, mount) for mount in list(_disk_mounts(mounts))[:MOUNTS_LIMIT]))
    unknown = "; ".join(told.unknown for told in answers if told.unknown)[:LONGEST_REASON]
    return Told(b"\n".join(told.output for told in answers if told.output), unknown or None)


def _disk_mounts(mounts: bytes) -> Iterator[bytes]:
    """Yield `device mount type options` of each mount that is a disk."""
    for line in mounts.splitlines():
        device, mount, kind, options, *_ = [*line.split(b" "), b"", b"", b"", b""]
        if kind.decode(errors="replace") in DISK_FILESYSTEMS.split("|") or (kind, mount) == (b"overlay", b"/"):
            yield b" ".join((device, mount, kind, options))


async def _usage_line(files: FactFiles, told: bytes) -> Told:
    device, mount, kind, options = told.split(b" ")
    path = paths.to_text(ESCAPED_BYTE.sub(lambda octal: bytes([int(octal[1], 8)]), mount))
    try:
        usage = await files.usage(path)
    except FileUnreadableError as error:
        return Told(b"", str(error))
    if usage is None:
        return Told(b"", f"{path}: the host has no way to tell its space")
    blocks = (usage.block_size, usage.blocks, usage.free, usage.available, usage.inodes, usage.free_inodes)
    return Told(b" ".join((device, mount, kind, *(b"%d" % number for number in blocks), options)))
