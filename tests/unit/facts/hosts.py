"""Whole hosts as they answer (tests/testdata/facts/hosts): a session whose shell tells what was recorded of each.

The command that asks for all files and words together is read, and answered in its own framing; so a part that no
command asks for is not told.
"""

import asyncio
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from dthostmon.facts.client import CLIENT
from dthostmon.facts.gather import TOGETHER, Wanted, gather
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.inventories import INVENTORIES
from dthostmon.facts.metrics import metrics_since
from dthostmon.facts.probe import Probe
from dthostmon.model import Facts
from dthostmon.transport import CommandOutput, FileStat, Limits
from tests.unit.facts.recorded import FOLDER, one_line, recorded
from tests.unit.facts.test_without_shell import Rooted

SYSTEMS = (
    "debian-12",
    "ubuntu-24.04-sample",
    "rocky-9-sample",
    "alpine-3.20-sample",
    "opensuse-15.6-sample",
    "arch-sample",
)
PROBES = ("metrics", *INVENTORIES)
WATCHED = ("/etc/ssh/sshd_config", "/root/.*_history", "/home/*/.*_history")
# What was recorded on Debian 12 for one probe's own tests.
DEBIAN = {
    "users.accounts": "users/accounts-root.txt",
    "services.units": "systemctl/debian-12-idle-1.txt",
    "ports.sockets": "ss/iproute2-6.1-root.txt",
    "network.trie": "proc/fib_trie.txt",
    "network.routes": "proc/route.txt",
    "network.routes6": "proc/ipv6_route.txt",
    "network.addresses6": "proc/if_inet6.txt",
    "network.filter": "filter/nftables-debian-12.txt",
    "time.clock": "chronyc/debian-12-not-synchronised.txt",
}
_WORDS = re.compile(r"^printf '%s ' '?=([a-z.0-9_]+):", re.MULTILINE)

Told = Mapping[str, bytes]  # by probe and part: `packages.list`


@cache
def told_by(system: str) -> Told:
    """Return what each part of a system's probes was told."""
    folder = FOLDER / "hosts" / system
    told = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if system == "debian-12":
        told |= {part: recorded(name) for part, name in DEBIAN.items()}
    settings = (line.partition(" = ") for line in told.pop("kernel.settings").decode().splitlines())
    return told | {f"kernel.{name}": f"{value}\n".encode() for name, _, value in settings}


@cache
def held_by(system: str) -> Told:
    """Return what the files of a system hold that are read as such, by their path."""
    tree = _tree_of(system)
    return {f"/{path.relative_to(tree)}": path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}


def _tree_of(system: str) -> Path:
    return FOLDER / "hosts" / system / "tree"


def _probes() -> list[Probe[object]]:
    return [IDENTITY, CLIENT, metrics_since(None), *(make((), None) for make in INVENTORIES.values())]


def _part_by_path() -> Mapping[str, str]:
    """Return for each file the part that it is recorded as: several probes read the accounts."""
    named: dict[str, str] = {}
    for probe in reversed(_probes()):
        named |= {paths[0]: f"{probe.name}.{part}" for part, paths in probe.contents.items()}
    return named | {"/etc/passwd": "users.passwd", "/etc/group": "users.group"}


_PART_BY_PATH = _part_by_path()


class TellingShell:
    """Answers each command by what was recorded of its part."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:  # noqa: ARG002  # as `Shell` has it
        """See `Shell`."""
        return {
            name: self._together(text) if name == TOGETHER else self._alone(name) for name, text in commands.items()
        }

    def _alone(self, name: str) -> CommandOutput:
        return CommandOutput(self.told.get(name, b""), 0 if name in self.told else 1)

    def _together(self, text: str) -> CommandOutput:
        files, _, words = text.partition("\n")
        paths = shlex.split(files)[4:] if files.startswith("grep ") else []
        lines = [line for path in paths for line in self._file(path)]
        parts = _WORDS.findall(words if paths else text)
        lines += [f"={part}: ".encode() + one_line(self.told.get(part, b"")) + b" " for part in parts]
        return CommandOutput(b"".join(line + b"\n" for line in lines), 0)

    def _file(self, path: str) -> list[bytes]:
        held = b"Linux\n" if path == "/proc/sys/kernel/ostype" else self.told.get(_PART_BY_PATH.get(path, ""), b"")
        lines = held.removesuffix(b"\n").split(b"\n") if held else []
        return [f"{path}:".encode() + line for line in lines]


class HeldFiles(Rooted):
    """The files below a folder, some of which hold something else."""

    def __init__(self, root: Path, held: Told) -> None:
        super().__init__(root)
        self.held = held

    async def stat(self, path: str) -> FileStat | None:
        """See `Files`."""
        found = await super().stat(path)
        return replace(found, size=len(self.held[path])) if found and path in self.held else found

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Files`."""
        if path in self.held:
            return self.held[path][offset : offset + length]
        return await super().read(path, offset, length)


class TellingSession:
    """A session with a host of some system."""

    client_address = None
    key_fingerprints = ()

    def __init__(self, told: Told, files: Rooted) -> None:
        self.shell = TellingShell(told)
        self.files = files

    async def close(self) -> None:
        """See `Session`."""

    def abort(self) -> None:
        """See `Session`."""

    def rest(self) -> None:
        """See `Session`."""


def facts_of(system: str, told: Told | None = None, probes: Sequence[str] = PROBES, held: Told | None = None) -> Facts:
    """Gather the facts of a system, or of one that tells something else, or whose files hold something else."""
    files = HeldFiles(_tree_of(system), {} if held is None else held)
    session = TellingSession(told_by(system) if told is None else told, files)
    return asyncio.run(gather(session, Wanted(probes, WATCHED)))
