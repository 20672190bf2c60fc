"""What a probe is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Fact_co = TypeVar("Fact_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Probe(Generic[Fact_co]):
    """Commands (name -> POSIX shell text that works with GNU and busybox tools) and the parser of what they printed.

    The parser gets the bytes of every command, empty where the command told nothing. It never raises and never
    guesses: what is not there is None.
    """

    name: str
    commands: Mapping[str, str]
    parse: Callable[[Mapping[str, bytes]], Fact_co]
