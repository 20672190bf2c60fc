"""What the databases of package managers say is installed. Pure; each parser takes what its part of the list holds.

Versions are those that the manager itself shows. What is no package is passed over.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dthostmon.facts.plain import plain

# dpkg's states of a package whose files are there. Of the last two, one was not set up yet, and one could not be.
_INSTALLED = {b"installed", b"triggers-pending", b"triggers-awaited"}
_INCOMPLETE = {b"unpacked", b"half-configured"}
_DPKG_FIELD = re.compile(rb"^(Package|Status|Version|Architecture): (.*)$", re.MULTILINE)
_DPKG_CONFFILES = re.compile(rb"^Conffiles:\n((?: .*\n?)+)", re.MULTILINE)
_CONFFILE = re.compile(rb"^ (/.+?) (?:[0-9a-f]{32}|newconffile)( obsolete)?(?: remove-on-upgrade)?$", re.MULTILINE)
_SAME_EVERYWHERE = {"all", "noarch", "any", "(none)", ""}  # architectures that are none
_PACMAN_FOLDER = re.compile(rb"(.+)-([^-]+-[^-]+)")
_LINK = re.compile(rb" (/\S+) -> (\S+)$", re.MULTILINE)
_SNAP_VERSION = re.compile(rb"^/\S*/([^/\s]+)/current/meta/snap\.yaml:version:[ \t]*(.*)$", re.MULTILINE)
_LONGEST_PATH = 400
_MOST_PATHS = 500  # of one package

# Where files lie that may show up among other things: settings, cron files, services. Setuid files lie anywhere.
_OWNED = re.compile(rb"/?(etc/.|(usr/)?lib/systemd/system/.)")
_SETUID_FILE = re.compile(rb"10[2-7][0-7]{3}$")
_SETUID_MODE = re.compile(rb"[2-7][0-7]{3}$")


@dataclass(frozen=True, slots=True)
class Installed:
    """One version of a package on one architecture."""

    name: str
    version: str
    architecture: str = ""
    owns: tuple[str, ...] = ()

    @property
    def is_for_all(self) -> bool:
        """Whether the package is the same on every architecture."""
        return self.architecture in _SAME_EVERYWHERE


Parser = Callable[[bytes], Iterable[Installed]]


def parse_dpkg(status: bytes) -> Iterator[Installed]:
    """Read /var/lib/dpkg/status, or some of its fields. What only left its settings behind is not installed."""
    for stanza in re.split(rb"\n\s*\n", status):
        fields = dict(_DPKG_FIELD.findall(stanza))
        state = fields.get(b"Status", b"").split()
        if len(state) != 3 or not fields.get(b"Package") or not fields.get(b"Version"):
            continue
        version = plain(fields[b"Version"])
        if state[2] in _INCOMPLETE:
            version = f"{version} ({state[2].decode()})"
        elif state[2] not in _INSTALLED:
            continue
        settings = _DPKG_CONFFILES.search(stanza)
        paths = [path for path, obsolete in _CONFFILE.findall(settings[1]) if not obsolete] if settings else []
        yield Installed(plain(fields[b"Package"]), version, plain(fields.get(b"Architecture", b"")), _owned(paths))


def parse_dpkg_files(lines: bytes) -> Mapping[str, tuple[str, ...]]:
    """Read lines of `PACKAGE.list:PATH`, the package with its architecture where it has several: `libc6:amd64`."""
    return _files_by_owner(lines, b".list:")


def parse_rpm(lines: bytes) -> Iterator[Installed]:
    """Read lines of `P NAME VERSION ARCHITECTURE`, each with its files `F MODE PATH` below it, words split by tabs."""
    package: list[bytes] = []
    paths: list[bytes] = []
    for line in [*lines.split(b"\n"), b"P"]:
        words = line.split(b"\t")
        if words[0] == b"P":
            if len(package) == 4 and package[1] and package[2]:
                yield Installed(plain(package[1]), plain(package[2]), plain(package[3]), _owned(paths))
            package, paths = words, []
        elif words[0] == b"F" and len(words) == 3 and (_OWNED.match(words[2]) or _SETUID_FILE.search(words[1])):
            paths.append(words[2])


def parse_apk(database: bytes) -> Iterator[Installed]:
    """Read apk's `installed`: P names the package, V its version, F a folder, R a file in it, `a` who may run that."""
    for stanza in database.split(b"\n\n"):
        fields: dict[bytes, bytes] = {}
        for line in stanza.split(b"\n"):
            if line[1:2] == b":" and line[:1] in b"PVA":
                fields.setdefault(line[:1], line[2:])
        if fields.get(b"P") and fields.get(b"V"):
            yield Installed(plain(fields[b"P"]), plain(fields[b"V"]), owns=_owned(_apk_files(stanza)))


def _apk_files(stanza: bytes) -> Iterator[bytes]:
    folder = path = b""
    for line in stanza.split(b"\n"):
        match line[:2]:
            case b"F:":
                folder = line[2:]
            case b"R:":
                path = b"/" + folder + b"/" + line[2:] if b"/" not in line else b""  # no file's name holds one
                if _OWNED.match(path):
                    yield path
            case b"a:" if _SETUID_MODE.search(line.rpartition(b":")[2]) and path:
                yield path


def parse_pacman(names: bytes) -> Iterator[Installed]:
    """Read the names of the folders of pacman's database: `bash-5.2.026-2`."""
    for name in names.split(b"\n"):
        if folder := _PACMAN_FOLDER.fullmatch(name.strip()):
            yield Installed(plain(folder[1]), plain(folder[2]))


def parse_pacman_files(lines: bytes) -> Mapping[str, tuple[str, ...]]:
    """Read lines of `NAME-VERSION/files:PATH`, of which some have a tab and a digest behind them."""
    found = _files_by_owner(lines, b"/files:")
    named = {folder: _PACMAN_FOLDER.fullmatch(folder.encode()) for folder in found}
    return {plain(name[1]): found[folder] for folder, name in named.items() if name}


def parse_snap(lines: bytes) -> Iterator[Installed]:
    """Read what `ls -l` says of the links /snap/NAME/current, and lines of `…/meta/snap.yaml:version: VERSION`.

    A version is shown as `snap info` does: with its revision, which may be new where the version is the same.
    """
    versions = {name: value.strip().strip(b"'\"") for name, value in _SNAP_VERSION.findall(lines)}
    for path, revision in _LINK.findall(lines):
        parts = path.split(b"/")
        if len(parts) > 2 and parts[-1] == b"current":
            version = versions.get(parts[-2], b"")
            told = b"%s (%s)" % (version, revision) if version else b"(%s)" % revision
            yield Installed(plain(parts[-2]), plain(told))


def parse_flatpak(lines: bytes) -> Iterator[Installed]:
    """Read what `ls -l` says of the links /var/lib/flatpak/app/ID/ARCHITECTURE/BRANCH/active to a commit.

    The version for people stands in compressed metadata of each application; branch and commit say as much.
    """
    for path, commit in _LINK.findall(lines):
        parts = path.split(b"/")
        if len(parts) > 4 and parts[-1] == b"active":
            yield Installed(plain(parts[-4]), plain(b"%s (%s)" % (parts[-2], commit[:12])), plain(parts[-3]))


def _files_by_owner(lines: bytes, separator: bytes) -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for line in lines.split(b"\n"):
        owner, separated, path = line.partition(separator)
        if separated and path:
            found[plain(owner)] += _names_of(b"/" + path.partition(b"\t")[0].lstrip(b"/"))
    return {owner: _owned(paths) for owner, paths in found.items()}


def _names_of(path: bytes) -> Sequence[bytes]:
    """Return the path, and what it is called too where /bin, /sbin and /lib are links into /usr."""
    return (path, b"/usr" + path) if path.startswith((b"/bin/", b"/sbin/", b"/lib/")) else (path,)


def _owned(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Return paths as text, sorted; folders are left out, which are what others begin with."""
    wanted = sorted({path.rstrip(b"/") for path in paths}, key=lambda path: path.replace(b"/", b"\0"))
    files = [path for path, after in pairwise((*wanted, b"")) if not after.startswith(path + b"/")]
    return tuple(plain(path, _LONGEST_PATH) for path in files[:_MOST_PATHS])
