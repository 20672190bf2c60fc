"""Reaching hosts: one session protocol over SSH and for this machine.

asyncssh is loaded when the first remote host is visited, not when this package is imported: it costs 19 MB.
"""

from dthostmon.transport.connection import check_key, connect
from dthostmon.transport.connections import Connections
from dthostmon.transport.lane import Lane
from dthostmon.transport.session import (
    BLOCK_BYTES,
    CommandOutput,
    DirectoryEntry,
    FileReader,
    Files,
    FileStat,
    FileSystemUsage,
    Limits,
    Session,
    Shell,
)

__all__ = [
    "BLOCK_BYTES",
    "CommandOutput",
    "Connections",
    "DirectoryEntry",
    "FileReader",
    "FileStat",
    "FileSystemUsage",
    "Files",
    "Lane",
    "Limits",
    "Session",
    "Shell",
    "check_key",
    "connect",
]
