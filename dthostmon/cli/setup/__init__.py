"""`dthostmon setup`: does every host answer, what stands in the way, and the two steps that can be taken from here."""

from dthostmon.cli.setup.command import setup

__all__ = ["setup"]
