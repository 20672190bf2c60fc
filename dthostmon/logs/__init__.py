"""Reads what is new in a host's logs: patterns to files, cursors, rotation, and the ledger of every byte."""

from dthostmon.logs.memory import Memory, Room, room_in
from dthostmon.logs.reading import Caps, read_files
from dthostmon.logs.visit import read_new

__all__ = ["Caps", "Memory", "Room", "read_files", "read_new", "room_in"]
