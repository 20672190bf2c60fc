"""What cron runs: crontabs of the system and of users, anacron's, and the scripts of cron.daily and its like."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import CronEntry, Inventory, ThingKind
from dthostmon.redact import redact

KINDS = frozenset({ThingKind.CRON})
MOST_ENTRIES = 5000
MOST_LINES = 2000  # of one table
LONGEST_COMMAND = 500
SYSTEM_TABLES = ("/etc/crontab", "/etc/anacrontab")
SYSTEM_FOLDER = "/etc/cron.d"
# of Debian, SUSE, Red Hat and busybox; /var/spool/cron holds the first two's folders and the third's tables
USER_FOLDERS = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron", "/etc/crontabs")
PERIODS = ("15min", "hourly", "daily", "weekly", "monthly")
SCRIPT_FOLDERS = (*(f"/etc/cron.{period}" for period in PERIODS), *(f"/etc/periodic/{period}" for period in PERIODS))

# A folder or table that is there and may not be read is named. The last line says that all of it was told.
_COMMAND = f"""set +f
for folder in {SYSTEM_FOLDER} {" ".join((*USER_FOLDERS, *SCRIPT_FOLDERS))}; do
[ -d $folder ] && ! [ -L $folder ] && ! [ -r $folder -a -x $folder ] && echo "=hidden $folder"
done
set --
for table in {" ".join(SYSTEM_TABLES)} {" ".join(f"{folder}/*" for folder in (SYSTEM_FOLDER, *USER_FOLDERS))}; do
if ! [ -f "$table" ] || [ -L "${{table%/*}}" ]; then continue; fi
if [ -r "$table" ]; then set -- "$@" "$table"; else echo "=hidden $table"; fi
done
[ "$1" ] && grep -aHsm {MOST_LINES} '^[[:blank:]]*[^#[:blank:]]' "$@"
for script in {" ".join(f"{folder}/*" for folder in SCRIPT_FOLDERS)}; do
[ -f "$script" ] && [ -x "$script" ] && echo "=script $script"
done
echo =end"""

_NOT_RUN = re.compile(r"\..*|.*(?:~|\.swp|\.dpkg-\w+|\.rpm(?:save|new|orig)|\.bak|\.placeholder)")
_VARIABLE = re.compile(r"\s*[\"']?[A-Za-z_][A-Za-z0-9_]*[\"']?\s*=")
_FIELD = r"-?[0-9*?~@A-Za-z/,#-]+"
_SCHEDULE = re.compile(rf"\s*-?((?:{_FIELD}[ \t]+){{4}}{_FIELD}|@[a-z]+(?:[ \t]+[0-9]+(?=[ \t]))?)[ \t]+(\S.*)")
_ANACRON = re.compile(r"\s*([0-9]+|@[a-z]+)[ \t]+([0-9]+)[ \t]+\S+[ \t]+(\S.*)")
_USER = re.compile(r"(\S+)[ \t]+(\S.*)")


@dataclass(frozen=True, slots=True)
class _Line:
    path: str
    text: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def parse_cron(outputs: Outputs) -> Inventory:
    """Read the tables' lines, the scripts, and what is hidden."""
    lines = outputs.get("tables", b"").decode("utf-8", "replace").split("\n")
    hidden = [plain(line.removeprefix("=hidden ")) for line in lines if line.startswith("=hidden ")]
    entries = list(_merged(_entries(lines)))
    missing: dict[ThingKind, str] = {}
    if "=end" not in lines:
        missing[ThingKind.CRON] = "the crontabs were not told to their end"
    elif hidden:
        more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        missing[ThingKind.CRON] = f"only root may read {hidden[0]}{more}"
    elif len(entries) > MOST_ENTRIES:
        missing[ThingKind.CRON] = f"there are more than {MOST_ENTRIES}"
    return Inventory(tuple(entries[:MOST_ENTRIES]), missing, KINDS)


def _entries(lines: Sequence[str]) -> Iterator[CronEntry]:
    for line in lines:
        if line.startswith("=script "):
            folder, _, name = line.removeprefix("=script ").rpartition("/")
            if folder in SCRIPT_FOLDERS and not _NOT_RUN.fullmatch(name):
                period = re.split(r"[./]", folder)[-1]
                yield CronEntry(folder, "root", period, plain(name))
        elif line.startswith("/"):
            path, colon, text = line.partition(":")
            if colon and not _VARIABLE.match(text):
                yield from _entry(_Line(path, text.rstrip("\r")))


def _entry(line: _Line) -> Iterator[CronEntry]:
    """Yield the entry of a line, or nothing where cron would not understand it either."""
    if line.path == "/etc/anacrontab":
        if found := _ANACRON.fullmatch(line.text):
            period = found[1] if found[1].startswith("@") else f"every {int(found[1][:6])} days"
            yield _made(line, "root", period, found[3])
        return
    found = _SCHEDULE.fullmatch(line.text)
    if found is None:
        return
    schedule = " ".join(found[1].split())
    if line.path == "/etc/crontab" or line.path.startswith(f"{SYSTEM_FOLDER}/"):
        with_user = _USER.fullmatch(found[2])
        if with_user and not _NOT_RUN.fullmatch(line.name):
            yield _made(line, with_user[1], schedule, with_user[2])
    elif line.path.rpartition("/")[0] in USER_FOLDERS and not _NOT_RUN.fullmatch(line.name):
        yield _made(line, line.name, schedule, found[2])


def _made(line: _Line, user: str, schedule: str, command: str) -> CronEntry:
    told = redact(" ".join(command[: 2 * LONGEST_COMMAND].split()))  # commands hold passwords now and then
    return CronEntry(plain(line.path), plain(user, 64), plain(schedule, 100), plain(told, LONGEST_COMMAND))


def _merged(entries: Iterator[CronEntry]) -> Iterator[CronEntry]:
    """Yield one entry for each command of a table: one that stands there twice runs at both times."""
    several: dict[str, list[CronEntry]] = {}
    for entry in entries:
        several.setdefault(entry.subject, []).append(entry)
    for _, same in sorted(several.items()):
        users = dict.fromkeys(entry.user for entry in same)
        schedules = dict.fromkeys(entry.schedule for entry in same)
        yield CronEntry(same[0].path, ", ".join(users)[:200], "; ".join(schedules)[:500], same[0].command)


async def _table_files(files: FactFiles) -> Told:
    """Tell what the command does. Whether a script may be run is not known, so all that lie there are told."""
    lines: list[str] = []
    tables = list(SYSTEM_TABLES)
    for folder in (SYSTEM_FOLDER, *USER_FOLDERS, *SCRIPT_FOLDERS):
        try:
            is_link = await files.link(folder) is not None
            entries = [] if is_link else await files.list(folder)
        except FileUnreadableError:
            lines.append(f"=hidden {folder}")
            continue
        found = sorted(f"{folder}/{entry.name}" for entry in entries if not entry.stat.directory)
        if folder in SCRIPT_FOLDERS:
            lines += [f"=script {path}" for path in found]
        else:
            tables += found
    for path in tables:
        lines += await _table_lines(files, path)
    safe = (line.replace("\n", "?") for line in (*lines, "=end"))
    return Told("\n".join(safe).encode("utf-8", "replace"))


async def _table_lines(files: FactFiles, path: str) -> Sequence[str]:
    if await files.stat(path) is None:
        return []
    try:
        content = await files.content(path)
    except FileUnreadableError:
        return [f"=hidden {path}"]
    rows = content.decode("utf-8", "replace").split("\n")[:MOST_LINES]
    return [f"{path}:{row}" for row in rows if row.strip() and not row.lstrip().startswith("#")]


def cron_probe(_globs: Sequence[str], _before: str | None) -> InventoryProbe:
    """Make the probe."""
    return InventoryProbe(
        name="cron",
        kinds=frozenset({ThingKind.CRON}),
        parse=parse_cron,
        commands={"tables": _COMMAND},
        files={"tables": _table_files},
    )
