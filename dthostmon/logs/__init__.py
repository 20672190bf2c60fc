"""Reads what is new in a host's logs: patterns to files, cursors, rotation, and the ledger of every byte."""

from dthostmon.logs.reading import Caps, read_new

__all__ = ["Caps", "read_new"]
