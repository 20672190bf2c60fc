"""What systemd is asked for its units, and what its files tell where there is no shell.

Asking for each unit's properties (`systemctl show`) costs a millisecond and a half per unit, half of it in process 1,
and `list-unit-files` reads all unit files anew: at 170 services 160 and 470 ms. So a visit lists the loaded units in
one call, and reads from files what is enabled and when each unit was started; systemd keeps a link
/run/systemd/units/invocation:NAME for each active unit, made anew at each start. Only where that is not as it was at
the visit before, properties are asked for: of all timers, and of the services that may have been restarted.
"""

import asyncio
import re
from collections.abc import Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.transport import paths

# In the order of systemd.unit(5): what comes first hides what comes later.
UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)
STARTED_FOLDER = "/run/systemd/units"
LONG_MINUTES = 24 * 60  # a job of a timer that has run for longer hangs: its timer waits for it and does not fire
SETTLED_SECONDS = 300  # after boot; only a service started later may have been restarted
MOST_RESTARTED = 100  # each costs the host a millisecond and a half
_STAMP = re.compile("[0-9a-f]{64}")

_COMMAND = r"""echo =systemd
units=$({{ systemctl list-units --all --full --no-pager --plain --no-legend || echo =refused; }} |
awk '/^=refused$/ {{ print }} $1 == "*" || $1 == "x" {{ $1 = ""; $0 = $0 }}
/^ *user(-runtime-dir)?@/ {{ next }}
$1 ~ /\.(service|timer)$/ || $3 == "failed" {{ print $1, $2, $3, $4 }}')
case $units in *=refused) echo =refused; exit ;; esac
folders='{folders}'
[ -L /lib ] && folders=${{folders%/lib/systemd/system/*}}${{folders##*/lib/systemd/system/}}
files=$(find $folders {started}/ -maxdepth 2 ! -name 'invocation:user*@*' \
'(' -name '*.service' -o -name '*.timer' -o -name '*.socket' -o -name '*.path' ')' -printf '%y %T@ %p %l\n')
old=
case $units in *' activating '*) old=$(printf '%s\n' "$units" | while read -r name load active sub; do
[ "$active" = activating ] && find "{started}/invocation:$name" -maxdepth 0 -mmin +{long}
done) ;; esac
stamp=$(printf '%s\n' "$units" "$files" "$old" | sha256sum)
stamp=${{stamp%% *}}
if [ "$stamp" = '{before}' ]; then echo "=same $stamp"; exit; fi
printf '%s\n' =units "$units" =files "$files" =old "$old" =settings
set +f
grep -sE '^(Type|RemainAfterExit|\[Install\])' {configured}
set -f
echo =restarts
boot=$(stat -c %Y /run/systemd/inaccessible)
restarted=$(find {started}/ -name 'invocation:*.service' ! -name 'invocation:user*@*' \
-newermt "@$((boot + {settled}))" -printf '%f\n' | sed s/^invocation://)
ended=$(printf '%s\n' "$units" | awk '$1 ~ /\.service$/ && ($3 == "failed" || $4 == "auto-restart") {{ print $1 }}')
names=$(printf '%s\n' $restarted $ended | sort -u | head -n {most})
[ "$names" ] && systemctl show --no-pager --property=Id,NRestarts -- $names
echo =now; date +%s
echo =timers
TZ=UTC systemctl show --all --no-pager \
--property=Id,Unit,LastTriggerUSec,NextElapseUSecRealtime,AccuracyUSec '*.timer' &&
echo "=end $stamp"
"""


def units_command(before: str | None) -> str:
    """Return what tells of systemd's units; `before` is the mark of the visit before."""
    configured = (f"{folder}/*.service {folder}/*.service.d/*.conf" for folder in ("/etc/systemd/system", *_PACKAGED))
    return _COMMAND.format(
        folders=" ".join(f"{folder}/" for folder in UNIT_FOLDERS),
        configured=" ".join(configured),
        started=STARTED_FOLDER,
        long=LONG_MINUTES,
        settled=SETTLED_SECONDS,
        most=MOST_RESTARTED,
        before=before if before and _STAMP.fullmatch(before) else "",
    )


_PACKAGED = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "$([ -L /lib ] || echo /lib/systemd/system)")


async def unit_files(files: FactFiles) -> Told:
    """Tell which units there are and which are enabled, as the command's `find` does; no state, and no settings."""
    folders = [*UNIT_FOLDERS, STARTED_FOLDER]
    if await files.link("/lib"):
        folders.remove("/lib/systemd/system")
    several = await asyncio.gather(*(_unit_lines(files, folder) for folder in folders))
    lines = (line for lines in several for line in lines)
    return Told(b"\n".join((b"=systemd", b"=files", *lines, b"=listed")))


async def _unit_lines(files: FactFiles, folder: str, depth: int = 2) -> Sequence[bytes]:
    try:
        entries = await files.list(folder)
    except FileUnreadableError:
        if depth == 1 or folder != "/etc/systemd/system":
            return []  # transient and generated units of others may be hidden
        raise
    inner = [entry.name for entry in entries if entry.name.endswith((".wants", ".requires")) and depth > 1]
    several = await asyncio.gather(*(_unit_lines(files, f"{folder}/{name}", depth - 1) for name in inner))
    lines = [line for lines in several for line in lines]
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if entry.name.endswith((".service", ".timer", ".socket", ".path")) and "\n" not in entry.name:
            is_alias = entry.link and depth > 1 and folder in UNIT_FOLDERS[:2]  # or masked; only these lead elsewhere
            target = (await files.link(path) or "") if is_alias else ""
            line = f"{'l' if entry.link else 'f'} {entry.stat.mtime:.0f} {path} {target}"
            lines.append(paths.to_bytes(line.replace("\n", "?")))
    return lines
