"""What a connection to a host offers its callers: `files`, and `shell` unless the key forbids it.

Paths are text (see `paths`); what a file holds is bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_DIRECTORY_ENTRIES = 100_000
BLOCK_BYTES = 64 * 1024
# ext4 ends at half of it, and the sum over a folder of names is still a signed 64-bit number.
LONGEST_FILE_BYTES = 2**45

# What stands before the public key in a host's authorized_keys, where it shall only read: over SFTP, or through the
# collector program.
READ_ONLY_KEY_OPTIONS = 'restrict,command="internal-sftp -R"'
COLLECTOR_PATH = "/usr/local/lib/dthostmon/dthostmon-collect"
COLLECTOR_KEY_OPTIONS = f'restrict,command="{COLLECTOR_PATH}"'


@dataclass(frozen=True, slots=True)
class FileStat:
    """What is known of a file before it is opened; links are followed. `inode` is None where SFTP has none to tell.

    `mode` is the whole st_mode, `uid` and `gid` are the owner's numbers; None where the host does not tell them.
    """

    size: int
    mtime: float
    regular: bool
    directory: bool
    inode: int | None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A name in a directory. The stat is of the name itself: a symbolic link (`link` is True) is not followed."""

    name: str
    stat: FileStat
    link: bool


@dataclass(frozen=True, slots=True)
class FileSystemUsage:
    """How full a file system is: sizes in blocks of `block_size` bytes. `available` is what ordinary users may take."""

    block_size: int
    blocks: int
    free: int
    available: int
    inodes: int
    free_inodes: int


class FileReader(Protocol):
    """Reads files; changes nothing on the host."""

    async def stat(self, path: str) -> FileStat | None:
        """Tell of one file, None where there is none; FileUnreadableError where the host refuses to tell."""

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """List a directory (no '.' and '..'), [] where there is none.

        Raises FileUnreadableError where the host refuses to tell, or where there are more names than
        MAX_DIRECTORY_ENTRIES.
        """

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`, fewer only at the end of the file. Only regular files are opened.

        Raises FileUnreadableError (gone, no rights, not a regular file) and VisitError (the connection died).
        """


class Files(FileReader, Protocol):
    """All that can be asked of files."""

    async def usage(self, path: str) -> FileSystemUsage | None:
        """Tell how full the file system is that a path lies on; None where the host has no way to tell.

        Raises FileUnreadableError (gone, no rights).
        """

    async def link(self, path: str) -> str | None:
        """Return where a symbolic link leads, as it is written there; None where there is no link.

        Raises FileUnreadableError where the host refuses to tell.
        """


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What one command printed. `stdout` is cut at the cap, `cut` then says so; stderr is not read.

    `status` is the exit status (124: the command's own timeout ended it), None where the host could not tell it.
    """

    stdout: bytes
    status: int | None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take: seconds and blocks of 64 KiB per command, bytes in all (noise included)."""

    command_seconds: int = 10
    command_blocks: int = 16
    run_bytes: int = 16 * 1024 * 1024

    @property
    def command_bytes(self) -> int:
        """Where the output of one command is cut."""
        return self.command_blocks * BLOCK_BYTES


class Shell(Protocol):
    """Runs commands on the host."""

    async def run(self, commands: Mapping[str, str], limits: Limits | None = None) -> Mapping[str, CommandOutput]:
        """Run all commands (name -> POSIX shell text) in one exec, in order, under LC_ALL=C, each with its own timeout.

        The result has an entry for each name. `limits` go before the session's own. Raises VisitError where the exec
        itself failed, printed more than its limit in all, or its frames are broken.
        """


class Session(Protocol):
    """One open connection to one host."""

    @property
    def files(self) -> Files:
        """Reads files."""

    @property
    def shell(self) -> Shell | None:
        """Runs commands; None where the key or the configuration forbids it."""

    @property
    def client_address(self) -> str | None:
        """The address that the host sees us come from, as far as this end can tell; None where it cannot."""

    @property
    def key_fingerprints(self) -> tuple[str, ...]:
        """The SHA256 fingerprints of the keys that the host was offered, as its own log shows them."""

    async def close(self) -> None:
        """End the connection and leave no process on the host; never raises."""

    def abort(self) -> None:
        """End the connection without a word and without waiting; never raises."""

    def rest(self) -> None:
        """Forget what was seen of the host: its next visit over this connection may find it changed."""
