"""Arrays and pools of storage: md, ZFS, btrfs and the redundant volumes of LVM."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import number, plain
from dthostmon.facts.probe import InventoryProbe, Outputs, digest_of
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Inventory, StorageArray, ThingKind

KINDS = frozenset({ThingKind.ARRAY})
MOST_ARRAYS = 1000
ZFS_FOLDER, BTRFS_FOLDER = "/proc/spl/kstat/zfs", "/sys/fs/btrfs"

# The kernel's own files tell all but LVM, and reading them starts no program. A volume of LVM without redundancy has
# none to lose; the parts of one that has some are named _rimage_ or _mimage_, and only root may ask how they are.
_WORDS = rf"""set +f
for pool in {ZFS_FOLDER}/*/; do [ -d "$pool" ] || continue
health=
read -r health <"$pool/state"
echo "|zfs|$pool|$health|"
done
for system in {BTRFS_FOLDER}/*-*-*/; do [ -d "$system" ] || continue
label=
read -r label <"$system/label"
echo "|btrfs|$system|$label|" "$system"devices/*
for device in "$system"devinfo/*/; do
[ -r "$device/missing" ] && read -r missing <"$device/missing" && echo "missing=$missing"
[ -r "$device/error_stats" ] && while read -r name count; do echo "errors=$count"; done <"$device/error_stats"
done
echo '|'
done
redundant=
for name in /sys/block/dm-*/dm/name; do [ -r "$name" ] || continue
read -r name <"$name"
case $name in *_rimage_*|*_mimage_*) redundant=1 ;; esac
done
if [ "$redundant" ]; then echo '|lvm|'
if [ "$(id -u)" = 0 ] && timeout 5 lvs --readonly --noheadings --separator '|' --options \
vg_name,lv_name,segtype,lv_health_status --select 'segtype=~"^raid|^mirror"'; then echo '|told|'
else echo '|lvm refused|'; fi
fi
echo '|end|'"""

_ARRAY = re.compile(
    r"^(md\S{1,60}) : (active|inactive)(?: \([a-z-]+\))?((?: \S+)*)\n((?:[ \t]+\S.*\n?)*)", re.MULTILINE
)
_MEMBER = re.compile(r"(\S+?)\[\d+\]((?:\([A-Z]\))*)")
_SLOTS = re.compile(r"\[(\d{1,6})/(\d{1,6})\] \[[U_]+\]")
# A check reads all of an array each month and changes nothing, so it is no state of it.
_REBUILDING = re.compile(r"\b(?:recovery|resync|reshape) *=")
_ZFS = re.compile(r"\|zfs\|" + re.escape(ZFS_FOLDER) + r"/([^|]{1,256}?)/\|([A-Z]*)\|")
_BTRFS = re.compile(r"\|btrfs\|" + re.escape(BTRFS_FOLDER) + r"/([0-9a-f-]{36})/\|([^|]*)\|([^|]*)\|")
_NAME = r"[A-Za-z0-9+_.-]{1,127}"
_LVM = re.compile(rf"({_NAME})\|({_NAME})\|(?:raid\w*|mirror)\|([a-z ]*?)(?= {_NAME}\||\s*$)")


def parse_raid(outputs: Outputs) -> Inventory:
    """Read /proc/mdstat, and what the other systems' files told. A system that the kernel has not loaded has none."""
    told = outputs.get("others", b"").decode("utf-8", "replace")
    if not told.strip().endswith("|end|"):
        return Inventory((), {ThingKind.ARRAY: "the kernel's files on ZFS, btrfs and LVM were not told"}, KINDS)
    arrays = [
        *_md_arrays(outputs.get("md", b"").decode("utf-8", "replace")),
        *_zfs_pools(told),
        *_btrfs_systems(told),
        *_lvm_volumes(told.partition("|lvm|")[2].partition("|told|")[0]),
    ]
    reasons = ["the health of LVM's redundant volumes is told to root only (lvs)"] if "|lvm refused|" in told else []
    if any(not pool.health for pool in arrays):
        reasons.append("this ZFS does not tell its pools' state in /proc; zpool status does")
    if len(arrays) > MOST_ARRAYS:
        reasons.append(f"there are more than {MOST_ARRAYS}")
    by_subject = {array.subject: array for array in arrays if array.health}
    missing = {ThingKind.ARRAY: "; ".join(reasons)} if reasons else {}
    return Inventory(tuple(by_subject.values())[:MOST_ARRAYS], missing, KINDS)


def _md_arrays(text: str) -> Iterator[StorageArray]:
    for found in _ARRAY.finditer(text):
        slots = _SLOTS.search(found[4])
        absent = max(0, int(slots[1]) - int(slots[2])) if slots else 0
        members = sorted(f"{name}{marks}" for name, marks in _MEMBER.findall(found[3]))
        yield StorageArray(
            name=plain(found[1]),
            system="md",
            health=_md_health(found[2], absent, is_rebuilding=bool(_REBUILDING.search(found[4]))),
            members=tuple(plain(member, 60) for member in members[:200]),
            missing_members=absent,
        )


def _md_health(word: str, absent: int, *, is_rebuilding: bool) -> str:
    if word == "inactive":
        return "inactive"
    if is_rebuilding:
        return "resyncing"
    return "degraded" if absent else "clean"


def _zfs_pools(told: str) -> Iterator[StorageArray]:
    # ZFS' own word: ONLINE, DEGRADED, FAULTED, SUSPENDED, …
    yield from (StorageArray(plain(name), "zfs", plain(health, 40)) for name, health in _ZFS.findall(told))


def _btrfs_systems(told: str) -> Iterator[StorageArray]:
    for uuid, label, rest in _BTRFS.findall(told):
        words = rest.split()
        counts: defaultdict[str, int] = defaultdict(int)
        for word in words:
            name, equals, count = word.partition("=")
            counts[name] += (number(count, 2**63) or 0) if equals else 0
        members = [word.rpartition("/")[2] for word in words if word.startswith(f"{BTRFS_FOLDER}/{uuid}/devices/")]
        errors = counts["errors"]
        health = "degraded" if counts["missing"] else f"{errors} errors of devices" if errors else "clean"
        names = tuple(sorted(plain(member, 60) for member in members[:200] if member != "*"))
        yield StorageArray(plain(label.strip()) or uuid, "btrfs", health, names, counts["missing"])


def _lvm_volumes(told: str) -> Iterator[StorageArray]:
    for group, volume, health in _LVM.findall(told):
        yield StorageArray(f"{group}/{volume}", "lvm", health.strip() or "clean")


async def _other_files(files: FactFiles) -> Told:
    """Tell of ZFS and btrfs as the words do; LVM's names, so that redundant volumes are known to be there."""
    pools = [f"{ZFS_FOLDER}/{name}/" for name in await _names(files, ZFS_FOLDER)]
    systems = [f"{BTRFS_FOLDER}/{uuid}/" for uuid in await _names(files, BTRFS_FOLDER) if uuid.count("-") == 4]
    told = [f"|zfs|{pool}|{await _line(files, f'{pool}state')}|" for pool in pools]
    told += [await _btrfs_words(files, system) for system in systems]
    blocks = await _names(files, "/sys/block")
    names = [await _line(files, f"/sys/block/{name}/dm/name") for name in blocks if name.startswith("dm-")]
    if any("_rimage_" in name or "_mimage_" in name for name in names):
        told.append("|lvm refused|")
    return Told(" ".join((*told, "|end|")).encode("utf-8", "replace"))


async def _btrfs_words(files: FactFiles, system: str) -> str:
    words = [f"{system}devices/{name}" for name in await _names(files, f"{system}devices")]
    for device in await _names(files, f"{system}devinfo"):
        words.append(f"missing={await _line(files, f'{system}devinfo/{device}/missing')}")
        counters = (await _text(files, f"{system}devinfo/{device}/error_stats")).split()
        words += [f"errors={count}" for count in counters[1::2]]
    return f"|btrfs|{system}|{await _line(files, f'{system}label')}| {' '.join(words)} |"


async def _names(files: FactFiles, folder: str) -> Sequence[str]:
    return sorted(entry.name for entry in await files.list(folder) if entry.stat.directory or entry.link)


async def _line(files: FactFiles, path: str) -> str:
    return (await _text(files, path)).partition("\n")[0].strip()


async def _text(files: FactFiles, path: str) -> str:
    try:
        return (await files.content(path)).decode("utf-8", "replace")
    except FileUnreadableError:
        return ""


def raid_probe(_globs: Sequence[str], _before: str | None) -> InventoryProbe:
    """Make the probe."""
    return InventoryProbe(
        name="raid",
        kinds=frozenset({ThingKind.ARRAY}),
        parse=parse_raid,
        contents={"md": ("/proc/mdstat", "/proc/sys/kernel/ostype")},  # without md in the kernel there is no such file
        words={"others": _WORDS},
        files={"others": _other_files},
        mark=raid_mark,
    )


def raid_mark(outputs: Outputs) -> str:
    """Name the state by what is read of it: how far a rebuild is, is no state."""
    inventory = parse_raid(outputs)
    return digest_of({"things": repr(inventory.things).encode(), "missing": repr(inventory.missing).encode()})
