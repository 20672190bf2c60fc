"""What a probe is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Generic, TypeVar

from dthostmon.facts.sources import Source
from dthostmon.model import Inventory, ThingKind

Fact_co = TypeVar("Fact_co", covariant=True)
Outputs = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Probe(Generic[Fact_co]):
    """Where facts are found, part by part, and the parser of what was found there.

    The cheapest first, since each command of its own takes a host some milliseconds of processor time:

    - `contents`: files; of several the first that can be read. All probes' files are read together.
    - `words`: shell text that ends at once and prints one line; all probes' words run together.
    - `commands`: shell text that may print more, or hang; one that does is asked for again with a timeout of its own.
    - `files`: what stands for words or commands where there is no shell, named as these; what only commands tell is
      left out.
    - `reads`: what is told by files in any case, because a file's own bytes, owner or mode are asked for.

    `optional` are parts that a machine in good health may lack: nobody is told that they are unknown.

    Shell text works with GNU and busybox tools. The parser gets the bytes of each part, empty or absent where it told
    nothing. It never raises and never guesses: what is not there is None, or missing.
    """

    name: str
    parse: Callable[[Outputs], Fact_co]
    contents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Source] = field(default_factory=dict)
    reads: Mapping[str, Source] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    @property
    def parts(self) -> frozenset[str]:
        """The names of all parts."""
        return frozenset({*self.contents, *self.words, *self.commands, *self.files, *self.reads})


def digest_of(outputs: Outputs) -> str:
    """Name what a probe was told: the same words have the same digest."""
    told = sha256()
    for part, output in sorted(outputs.items()):
        told.update(f"{part} {len(output)}\n".encode())
        told.update(output)
    return told.hexdigest()


@dataclass(frozen=True, slots=True)
class InventoryProbe(Probe[Inventory]):
    """A probe that finds things of some `kinds`.

    `mark` names the state that it was told of: what has the mark of the visit before is as it was then, and is not
    parsed again. `scope` says what was looked at where that is a matter of configuration: what lies outside of the one
    before is not new.
    """

    kinds: frozenset[ThingKind] = frozenset()
    mark: Callable[[Outputs], str] = digest_of
    scope: str = ""

    def marked(self, outputs: Outputs) -> str:
        """Name the state that it was told of, with what was looked at."""
        mark = self.mark(outputs)
        return f"{mark} {sha256(self.scope.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}" if self.scope else mark
