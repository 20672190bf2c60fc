"""What a probe is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dthostmon.facts.sources import Source

Fact_co = TypeVar("Fact_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Probe(Generic[Fact_co]):
    """Commands (name -> POSIX shell text that works with GNU and busybox tools) and the parser of what they printed.

    `files` tells the same where there is no shell (name -> source, named as the command that it stands for); what only
    commands tell is left out. The parser gets the bytes of each, empty or absent where it told nothing. It never raises
    and never guesses: what is not there is None.
    """

    name: str
    commands: Mapping[str, str]
    parse: Callable[[Mapping[str, bytes]], Fact_co]
    files: Mapping[str, Source] = field(default_factory=dict)
