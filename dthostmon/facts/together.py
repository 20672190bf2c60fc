"""The files and the short words that all probes want, in one command: each of its own would cost the host more than all
of them do together.

What it prints are lines of `PATH:LINE OF THE FILE` and `=PROBE.PART:WORDS`. No line of a file can pass for one of
another: each has its path in front, and words are one line whatever they hold. Pure.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dthostmon.facts.probe import Probe

MAX_LINES = 3000  # of a file; what has more is not told, since half of it would be told as all


@dataclass(frozen=True, slots=True)
class Together:
    """One command, and how to tell from its output what stands for each part, named as `metrics.load`."""

    command: str
    contents: Mapping[str, Sequence[str]]
    words: Sequence[str]

    def told(self, output: bytes) -> Mapping[str, bytes]:
        """Return the output of each part that told something."""
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        for line in output.split(b"\n"):
            origin, colon, text = line.partition(b":")
            if colon:
                found[origin.decode("ascii", "replace")].append(text)
        whole = {origin: b"\n".join(lines) for origin, lines in found.items() if len(lines) < MAX_LINES}
        told = {part: whole.get(f"={part}", b"").strip() for part in self.words}
        for part, paths in self.contents.items():
            told[part] = next((whole[path] for path in paths if path in whole), b"")
        return {part: output for part, output in told.items() if output}


def together(probes: Iterable[Probe[object]]) -> Together:
    """Make the command that tells the contents and the words of some probes."""
    contents: dict[str, Sequence[str]] = {}
    words: dict[str, str] = {}
    for probe in probes:
        contents |= {f"{probe.name}.{part}": paths for part, paths in probe.contents.items()}
        words |= {f"{probe.name}.{part}": text for part, text in probe.words.items()}
    paths = dict.fromkeys(path for several in contents.values() for path in several)
    lines = [f"grep -aHm {MAX_LINES} '' {' '.join(map(shlex.quote, paths))}"] if paths else []
    # unquoted, so that what is printed becomes one line; without patterns, so that no * in it becomes names of files;
    # printf, since the echo of some shells makes a new line of each \n
    lines += ["set -f", *(f"printf '%s ' {shlex.quote(f'={part}:')} $({text}); echo" for part, text in words.items())]
    return Together("\n".join(lines), contents, tuple(words))
