"""The shell text that lists what is installed, where that changed since the visit before.

It prints `=stamp …`: how the databases were when it began, so what it lists is at least as new. Then, where the stamp
is not the one of before, each manager's list between `=begin NAME` and `=end NAME`: without its end a list failed. No
line of a list begins with `=`. Nothing is asked of snapd or a repository; no database is opened for writing.
"""

import shlex

from dthostmon.facts.package_logs import PACKAGE_LOGS

RPM_DATABASES = tuple(
    f"{folder}/{name}"
    for folder in ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
    for name in ("rpmdb.sqlite", "Packages", "Packages.db")
)
RPM_LOGS = ("/var/lib/rpm/rpmdb.sqlite-wal", "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal")
LOG_LINES = 2000  # of each log: some hundred packages
APK_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
NOTICE = "/var/lib/update-notifier/updates-available"
REBOOT_FLAGS = ("/run/reboot-required", "/run/reboot-needed")  # of Debian and Ubuntu, and of openSUSE
# What writes such a flag: where it is installed and no flag is there, no reboot is required.
REBOOT_TELLERS = ("/usr/share/update-notifier/notify-reboot-required", "/etc/kernel/postinst.d/unattended-upgrades")
STAMPED = (
    "/var/lib/dpkg/status",
    *RPM_DATABASES,
    *APK_DATABASES,
    "/var/lib/pacman/local",
    "/var/lib/flatpak/.changed",
    *REBOOT_FLAGS,
    "/run/reboot-required.pkgs",
    "/lib/modules",
    NOTICE,
    "/var/lib/apt/lists",
)

# What changes when a file does is asked for: nanoseconds where the tool tells them, in a zone that stays the same. The
# links of snaps themselves are asked, not what they lead to. rpm's log of transactions is asked for while one is in it,
# since each `rpm -qa` of root touches it. Without `stat` there is no stamp, and all is listed.
_STAMP = f"""TZ=UTC0
export TZ
kernel=
read -r kernel </proc/sys/kernel/osrelease
under_way=
for log in {" ".join(RPM_LOGS)}; do test -s "$log" && under_way="$under_way $log"; done
states=$(stat -c '%z %s %i' {" ".join(STAMPED)} $under_way /snap/*/current /var/lib/snapd/snap/*/current)
set -f
set -- $states $kernel
set +f
stamp=
test "$states" && stamp="$*"
echo "=stamp $stamp"
test "$stamp" && test "$stamp" = "$before" && exit 0
"""

# Patterns of the files that are asked for in lists of files: a slash may stand in front, /usr may be left out.
_PATTERNS = r"""patterns() {
printf '%s\n' '^/\{0,1\}etc/.' '^/\{0,1\}\(usr/\)\{0,1\}lib/systemd/system/.'
find /usr/bin /usr/sbin /usr/libexec /usr/lib /bin /sbin -maxdepth 2 -type f -perm /6000 |
sed -e 's/[].*^$\\[]/\\&/g' -e 's|^/usr/|/|' -e 's|^/|^/\\{0,1\\}\\(usr/\\)\\{0,1\\}|' -e 's|$|$|'
}
"""

# The file and not dpkg-query: it is there without dpkg too, and is what the stamp is of.
_DPKG = r"""if test -s /var/lib/dpkg/status; then
echo '=begin dpkg'
sed -n -e '/^$/p' -e '/^Package: /p' -e '/^Status: /p' -e '/^Version: /p' -e '/^Architecture: /p' \
/var/lib/dpkg/status && echo '=end dpkg'
echo '=begin dpkg-files'
(cd /var/lib/dpkg/info && patterns | grep -Hf - *.list)
echo '=end dpkg-files'
fi
"""

# rpm ends well with a damaged database too, and says `error: …`.
_RPM_FORMAT = (
    r"P\t%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\n"
    r"[F\t%{FILEMODES:octal}\t%{FILENAMES}\n]"
)
_RPM = rf"""for database in {" ".join(RPM_DATABASES)}; do
test -e "$database" || continue
echo '=begin rpm'
{{ rpm -qa --qf '{_RPM_FORMAT}' 2>&1 && echo '=end rpm'; }} |
awk '/^error/ {{ failed = 1 }}
/^=end/ && failed {{ next }}
!/^F/ || $2 ~ /^0?10[2-7][0-7][0-7][0-7]$/ || $3 ~ /^\/etc\/./ || $3 ~ /^(\/usr)?\/lib\/systemd\/system\/./'
break
done
"""

_APK = rf"""for database in {" ".join(APK_DATABASES)}; do
test -s "$database" || continue
echo '=begin apk'
awk '/^[PVA]:/ || /^$/ {{ print; next }}
/^F:/ {{ folder = $0; wanted = /^F:(etc|(usr\/)?lib\/systemd\/system)(\/|$)/; if (wanted) print }}
/^R:/ {{ file = $0; if (wanted) print }}
/^a:[0-9]*:[0-9]*:[2-7][0-7][0-7][0-7]$/ {{ if (!wanted) {{ print folder; print file }} print }}' "$database" &&
echo '=end apk'
break
done
"""

_PACMAN = """if test -d /var/lib/pacman/local; then
echo '=begin pacman'
ls /var/lib/pacman/local && echo '=end pacman'
echo '=begin pacman-files'
(cd /var/lib/pacman/local && patterns | grep -Hf - */files)
echo '=end pacman-files'
fi
"""

_LINKED = """if test -d /var/lib/snapd/snaps; then
echo '=begin snap'
set -- /snap/*/current
test -L "$1" || set -- /var/lib/snapd/snap/*/current
if test -L "$1"; then
ls -ld "$@" && echo '=end snap'
for link; do grep -H '^version:' "$link/meta/snap.yaml"; done
else echo '=end snap'
fi
fi
if test -e /var/lib/flatpak/.changed; then
echo '=begin flatpak'
set -- /var/lib/flatpak/app/*/*/*/active /var/lib/flatpak/runtime/*/*/*/active
test -L "$1" || shift
if test -L "$1"; then ls -ld "$@"; fi
echo '=end flatpak'
fi
"""

# Ubuntu's notice is older than dpkg's status where packages were installed since: it is wrong then. The lists of
# security updates, which apt may keep compressed, say it too.
_UPDATES = rf"""echo '=begin updates'
echo "kernel $kernel"
for file in /lib/modules/*/modules.builtin; do test -e "$file" && echo "modules $file"; done
for file in {" ".join(REBOOT_FLAGS)}; do test -e "$file" && echo "flag $file"; done
for file in {" ".join(REBOOT_TELLERS)}; do test -e "$file" && echo teller; done
test -r /run/reboot-required.pkgs && sed 's/^/package /' /run/reboot-required.pkgs
set -- /var/lib/apt/lists/*security*_Packages*
if test {NOTICE} -nt /var/lib/dpkg/status; then sed 's/^/available /' {NOTICE}
elif test -e "$1" && test -s /var/lib/dpkg/status; then
{{ /usr/lib/apt/apt-helper cat-file "$@" && echo && echo =all; }} |
awk '!offered {{ if (/^Package: /) have[$2] = 1; next }}
/^Package: /{{ name = $2 }} /^Version: / {{ version = $2 }} /^Architecture: / {{ architecture = $2 }}
/^$/ {{ if (name in have) print "candidate", name, version, architecture; name = "" }}
/^=all$/ {{ print "candidates all" }}' /var/lib/dpkg/status offered=1 -
fi
echo '=end updates'
"""

# Each line of a log has a blank in front, so that none passes for a mark of ours.
_LOGS = rf"""echo '=begin logs'
echo "zone $(unset TZ; date +%z)"
for file in {" ".join(PACKAGE_LOGS)}; do
test -r "$file" && echo "log $file" && tail -n {LOG_LINES} "$file" | sed 's/^/ /'
done
echo '=end logs'
"""


def list_command(before: str) -> str:
    """Return the text; `before` is the stamp whose lists are known, empty where none are."""
    parts = (_STAMP, _PATTERNS, _DPKG, _RPM, _APK, _PACMAN, _LINKED, _UPDATES, _LOGS)
    return f"before={shlex.quote(before)}\n{''.join(parts)}"
