"""The probe `mounts`: which real file systems are mounted where, and whether they can be written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.disk_usage import DISK_FILESYSTEMS, MOUNTS_BYTES
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Inventory, Mount, ThingKind
from dthostmon.transport import paths

NETWORK_FILESYSTEMS = "nfs|nfs4|cifs|smb3|smbfs|ncpfs|afs|ceph|9p|virtiofs|lustre|beegfs|ocfs2|gfs2|fuse\\.[a-z0-9_.-]+"
MAX_MOUNTS = 1000
MAX_OPTIONS = 40
LONGEST_NAME = 1000
LONGEST_OPTION = 200

_KINDS = f"{DISK_FILESYSTEMS}|{NETWORK_FILESYSTEMS}|overlay|autofs"
# Names have no blanks: the kernel writes them as \040.
_LINE = re.compile(rf"(?<!\S)(\S+) (/\S*) ({_KINDS}) (\S+) \d+ \d+(?!\S)".encode())
# Where programs keep what they mount for containers and users, which comes and goes with these.
_PASSING = re.compile(
    r"(?:/var/lib/(?:docker|containers|containerd|kubelet|lxd|lxc|snapd|flatpak)"
    r"|/run/(?:docker|containerd|containers|netns|user|credentials|snapd)|/snap|/proc|/sys|/dev)(?:/|$)"
)
# What the two ends agree on anew each time, where an overlay keeps its layers, and file systems of one login.
_PASSING_OPTION = re.compile(
    r"(?:addr|clientaddr|mountaddr|mountport|port|rsize|wsize|bsize|fd|subvolid|lowerdir|upperdir|workdir|user_id"
    r"|group_id|retrans|timeo|acregmin|acregmax|acdirmin|acdirmax|echo_interval|actimeo|namlen|max_read)=.*"
)
_SECRET_OPTION = re.compile(r"((?:pass|password|secret|key|credentials)=).*")
_PASSING_FILESYSTEMS = {"fuse.gvfsd-fuse", "fuse.portal", "fuse.lxcfs", "fuse.fusermount", "fuse.snapfuse"}
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_END = b"end"

_SHELL_KINDS = f"{DISK_FILESYSTEMS}|{NETWORK_FILESYSTEMS}|autofs"
_LINES = f"-E -m {MAX_MOUNTS + 1} '^[^ ]+ ([^ ]+ ({_SHELL_KINDS})|/ overlay) ' /proc/self/mounts"


@dataclass(frozen=True, slots=True)
class _Line:
    path: bytes
    mount: Mount


def parse_mounts(outputs: Outputs) -> Inventory:
    """Read lines of /proc/self/mounts, one after the other or side by side, and the word that says that all are there.

    Of several mounts at one place the last is the one that is seen.
    """
    told = outputs.get("mounts", b"")
    if not told.endswith(_END):
        return Inventory(missing={ThingKind.MOUNT: "/proc/self/mounts could not be read"})
    lines = list(_lines(told))
    automatic = tuple(line.path for line in lines if line.mount.filesystem == "autofs")
    real = [line for line in lines if line.mount.filesystem != "autofs" and not _is_below(line.path, automatic)]
    found = {line.mount.path: line.mount for line in real if _is_lasting(line.mount)}
    mounts = tuple(found[path] for path in sorted(found))
    missing = {ThingKind.MOUNT: f"there are more than {MAX_MOUNTS} of them"} if len(lines) > MAX_MOUNTS else {}
    return Inventory(mounts[:MAX_MOUNTS], missing)


def _lines(told: bytes) -> Iterator[_Line]:
    for device, path, filesystem, options in _LINE.findall(told):
        mount = Mount(
            path=_name(path),
            device=_name(device),
            filesystem=filesystem.decode(),
            options=tuple(_options(options.decode(errors="replace"))),
        )
        yield _Line(path, mount)


def _is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    """Tell whether a mount is one that the system makes when somebody looks there, and takes away later."""
    return any(path == folder or path.startswith(folder + b"/") for folder in folders)


def _is_lasting(mount: Mount) -> bool:
    if mount.filesystem == "overlay" and mount.path != "/":
        return False
    return mount.filesystem not in _PASSING_FILESYSTEMS and not _PASSING.match(mount.path)


def _name(escaped: bytes) -> str:
    written = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), escaped)
    return plain(paths.to_text(written), LONGEST_NAME)


def _options(text: str) -> Iterator[str]:
    kept = [option for option in text.split(",") if option and not _PASSING_OPTION.fullmatch(option)]
    for option in kept[:MAX_OPTIONS]:
        yield plain(_SECRET_OPTION.sub(r"\1?", option), LONGEST_OPTION)


async def _from_file(files: FactFiles) -> Told:
    try:
        mounts = await files.content("/proc/self/mounts", MOUNTS_BYTES)
    except FileUnreadableError:
        mounts = await files.content("/proc/mounts", MOUNTS_BYTES)
    return Told(mounts.strip() + b" " + _END)


MOUNTS = InventoryProbe(
    name="mounts",
    kinds=frozenset({ThingKind.MOUNT}),
    parse=parse_mounts,
    # of a host of containers some thousand lines are of others than these kinds
    words={"mounts": f"grep {_LINES}; [ $? -le 1 ] && echo {_END.decode()}"},
    files={"mounts": _from_file},
)
