"""Reaching hosts: one session protocol over SSH and for this machine.

asyncssh is loaded when the first remote host is visited, not when this package is imported: it costs 19 MB.
"""

from dthostmon.transport.connection import check_key, connect
from dthostmon.transport.session import CommandOutput, DirectoryEntry, Files, FileStat, FileSystemUsage, Session, Shell

__all__ = [
    "CommandOutput",
    "DirectoryEntry",
    "FileStat",
    "FileSystemUsage",
    "Files",
    "Session",
    "Shell",
    "check_key",
    "connect",
]
