"""Drives: which there are, and what SMART says of their health.

The kernel's files tell the drives. Their health only `smartctl` tells, to root only, with a process for each drive; so
it is asked once a day, and again when the drives are not those of the visit before. A drive that sleeps is not woken:
it is not told of that day. smartd's files in /var/lib/smartmontools hold counters and no verdict, so they are not read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import number, plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Drive, Inventory, ThingKind

KINDS = frozenset({ThingKind.DRIVE})
MOST_DRIVES = 1000
MOST_ASKED = 48  # by smartctl; each takes a process and some tens of milliseconds
WORN_PERCENT = 90
NO_DRIVES = re.compile(r"(?:loop|ram|zram|dm-|md|sr|fd|nbd|rbd|zd)\d.*")
# Of the attributes that manufacturers define, those that count what cannot be read or written any more.
BAD_SECTORS = {"5": "reallocated", "187": "uncorrectable", "197": "pending", "198": "uncorrectable offline"}

# In /run/udev/data are the serials that the kernel does not show, for each device by its numbers.
_WORDS = r"""set +f
for drive in /sys/block/*; do [ -e "$drive/device" ] || continue
case ${drive##*/} in loop*|ram*|zram*|dm-*|md[0-9]*|sr[0-9]*|fd[0-9]*|nbd*|rbd*|zd[0-9]*) continue ;; esac
number= model= serial= state= name=
read -r number <"$drive/dev"
read -r model <"$drive/device/model" || read -r model <"$drive/device/name"
read -r serial <"$drive/device/serial" || read -r serial <"$drive/serial"
read -r state <"$drive/device/state"
echo "|drive|${drive##*/}|$number|$model|$serial|$state|"
[ -r "/run/udev/data/b$number" ] && grep -hE '^E:ID_(SERIAL_SHORT|MODEL)=' "/run/udev/data/b$number"
done
command -v smartctl >/dev/null && [ "$(id -u)" = 0 ] && echo '|smart|'
echo '|end|'"""
_SMART = r"""set +f
command -v smartctl >/dev/null && [ "$(id -u)" = 0 ] || { echo =none; exit; }
day=$(($(date +%s) / 86400))
cd /sys/block
drives=$(echo *; cat ./*/device/state ./*/device/model ./*/device/serial)
drives=$(echo $drives | sha256sum)
stamp="$day ${drives%% *}"
[ "$stamp" = 'BEFORE' ] && { echo "=same $stamp"; exit; }
asked=0
for drive in *; do [ -e "$drive/device" ] && [ -b "/dev/$drive" ] || continue
case $drive in sd*|hd*|nvme*) ;; *) continue ;; esac
[ $asked = MOST ] && { echo =many; break; }
asked=$((asked + 1))
echo "=drive $drive"
timeout 5 smartctl -n standby -H -A "/dev/$drive"
done
echo "=end $stamp"
"""
_STAMP = re.compile("[0-9]{1,9} [0-9a-f]{64}")
_DONE = re.compile(rb"^=(?:same|end) ([0-9]{1,9} [0-9a-f]{64})$", re.MULTILINE)
NOT_ASKED, TO_ASK = "none", "ask"  # in the place of the stamp in a mark

_DRIVE = re.compile(r"\|drive\|([A-Za-z0-9!_.-]{1,64})\|([0-9]+:[0-9]+)?\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)")
_UDEV = re.compile(r"E:ID_(SERIAL_SHORT|MODEL)=(\S+)")
_HEALTH = re.compile(r"^SMART (?:overall-health self-assessment test result|Health Status): *(\S.*?)\s*$", re.MULTILINE)
_SLEEPS = re.compile(r"^Device is in .* mode, exit\(", re.MULTILINE)
_ATTRIBUTE = re.compile(
    r"^ *(\d{1,3}) (\S+) +0x[0-9a-f]+ +\d+ +\d+ +\S+ +\S+ +\S+ +(\S+) +(\d{1,18})(?: |$)", re.MULTILINE
)
_NVME = re.compile(r"^(Critical Warning|Percentage Used|Media and Data Integrity Errors): +(\S+)", re.MULTILINE)


def hardware_mark(outputs: Outputs) -> str:
    """Name the drives, and the day on which their health was asked for."""
    drives = outputs.get("drives", b"")
    digest = sha256(drives).hexdigest()
    if b"|smart|" not in drives:
        return f"{digest} {NOT_ASKED}"
    done = _DONE.search(outputs.get("smart", b""))
    return f"{digest} {done[1].decode() if done else TO_ASK}"


def parse_hardware(outputs: Outputs) -> Inventory:
    """Read the drives and what smartctl told of each."""
    told = outputs.get("drives", b"").decode("utf-8", "replace")
    if not told.strip().endswith("|end|"):
        return Inventory((), {ThingKind.DRIVE: "the kernel's files on drives were not told"}, KINDS)
    smart, is_done = _smart_texts(outputs.get("smart", b""))
    sleeping = [name for name, text in smart.items() if _SLEEPS.search(text)]
    reasons = [f"{', '.join(sleeping)[:200]} sleeps, and is not woken"] if sleeping else []
    if "|smart|" in told and not is_done:
        reasons.append("smartctl did not tell of all drives")
    drives = [drive for drive in _drives(told, smart) if drive.name not in sleeping]
    if len(drives) > MOST_DRIVES:
        reasons.append(f"there are more than {MOST_DRIVES}")
    missing = {ThingKind.DRIVE: "; ".join(reasons)} if reasons else {}
    return Inventory(tuple(drives[:MOST_DRIVES]), missing, KINDS)


def _smart_texts(raw: bytes) -> tuple[Mapping[str, str], bool]:
    """Return what smartctl printed for each drive, and whether it was asked of all."""
    texts: dict[str, str] = {}
    for part in f"\n{raw.decode('utf-8', 'replace')}".split("\n=drive ")[1:]:
        name, _, text = part.partition("\n")
        texts.setdefault(name, text)
    return texts, bool(_DONE.search(raw)) and b"\n=many" not in raw


def _drives(told: str, smart: Mapping[str, str]) -> Iterator[Drive]:
    seen: set[str] = set()
    for name, _, model, serial, state, rest in _DRIVE.findall(told):
        if name in seen or NO_DRIVES.fullmatch(name):
            continue
        seen.add(name)
        udev = dict(_UDEV.findall(rest))
        health, warnings = _health(smart.get(name, ""))
        odd = () if state.strip() in {"", "running", "live"} else (f"state {plain(state.strip(), 40)}",)
        yield Drive(
            name=plain(name),
            model=plain(udev.get("MODEL", "").replace("_", " ") or model.strip(), 100),  # the kernel's may be cut
            serial=plain(udev.get("SERIAL_SHORT", "") or serial.strip(), 100),
            health=health,
            warnings=(*odd, *warnings),
        )


def _health(text: str) -> tuple[str, Sequence[str]]:
    """Return the verdict, and what counts against the drive; a count is told, since it is worse when it grows."""
    verdict = _HEALTH.search(text)
    warnings: dict[str, None] = {}
    for number_of, name, failed, raw in _ATTRIBUTE.findall(text):
        if failed in {"FAILING_NOW", "In_the_past"}:
            warnings[f"{plain(name, 60)} {failed}"] = None
        elif number_of in BAD_SECTORS and int(raw):
            warnings[f"{int(raw) % 2**32} {BAD_SECTORS[number_of]}"] = None
    for name, value in _NVME.findall(text):
        if name == "Critical Warning" and value.strip("0x"):
            warnings[f"critical warning {plain(value, 20)}"] = None
        elif name == "Percentage Used" and (number(value.rstrip("%"), 255) or 0) >= WORN_PERCENT:
            warnings[f"at least {WORN_PERCENT}% worn"] = None
        elif name.startswith("Media") and (count := number(value.replace(",", ""), 2**63)):
            warnings[f"{count} media errors"] = None
    return plain(verdict[1].removesuffix("!"), 60) if verdict else "", tuple(warnings)[:20]


async def _drive_files(files: FactFiles) -> Told:
    """Tell the drives as the words do."""
    told: list[str] = []
    for entry in await files.list("/sys/block"):
        folder = f"/sys/block/{entry.name}"
        if NO_DRIVES.fullmatch(entry.name) or await files.stat(f"{folder}/device") is None:
            continue
        model = await _line(files, f"{folder}/device/model") or await _line(files, f"{folder}/device/name")
        serial = await _line(files, f"{folder}/device/serial") or await _line(files, f"{folder}/serial")
        numbers, state = await _line(files, f"{folder}/dev"), await _line(files, f"{folder}/device/state")
        told.append(f"|drive|{entry.name}|{numbers}|{model}|{serial}|{state}|")
        udev = await _text(files, f"/run/udev/data/b{numbers}") if re.fullmatch(r"\d+:\d+", numbers) else ""
        told += [line for line in udev.split("\n") if _UDEV.fullmatch(line)]
    return Told(" ".join((*told, "|end|")).encode("utf-8", "replace"))


async def _line(files: FactFiles, path: str) -> str:
    return (await _text(files, path)).partition("\n")[0].replace("|", "?").strip()


async def _text(files: FactFiles, path: str) -> str:
    try:
        return (await files.content(path)).decode("utf-8", "replace")
    except FileUnreadableError:
        return ""


def hardware_probe(_globs: Sequence[str], before: str | None) -> InventoryProbe:
    """Make the probe. Where smartctl could not be asked at the visit before, its command is left out."""
    stamp = (before or "").partition(" ")[2]
    known = stamp if _STAMP.fullmatch(stamp) else ""
    smart = _SMART.replace("BEFORE", known).replace("MOST", str(MOST_ASKED))
    return InventoryProbe(
        name="hardware",
        kinds=frozenset({ThingKind.DRIVE}),
        parse=parse_hardware,
        words={"drives": _WORDS},
        commands={} if stamp == NOT_ASKED else {"smart": smart},
        files={"drives": _drive_files},
        mark=hardware_mark,
    )
