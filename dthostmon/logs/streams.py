"""Reading logs that are no files: the commands of many of them in one exec, the ones with a backlog once more."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dthostmon.logs import problems
from dthostmon.logs.reading import Caps
from dthostmon.model import Finding, Gap, HostState, LogReading, LogsReading, StreamCursor, StreamPosition
from dthostmon.templates import clean
from dthostmon.transport import BLOCK_BYTES, CommandOutput, Limits, Shell

NOISE_BYTES = 1024 * 1024  # what a login script may print besides
TIMED_OUT_STATUS = 124
MISSING_STATUS = 127  # a POSIX shell's answer to a program that is not there
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What was new in one stream: whole lines, and how far it is read then.

    `position` is None where nothing could be read; `unreadable` or `problems` then say why. `is_cut`: there is more.
    `repeat` is the stream to ask in its place where this answer says too little. `gap` is the reason of lost lines.
    """

    data: bytes = b""
    position: StreamPosition | None = None
    is_cut: bool = False
    repeat: "Stream | None" = None
    gap: str | None = None
    unreadable: str | None = None
    pending: int = 0
    problems: tuple[Finding, ...] = ()


class Stream(Protocol):
    """A log that commands on its host print."""

    @property
    def path(self) -> str:
        """Its name in the ledger."""

    @property
    def commands(self) -> Mapping[str, str]:
        """Part -> POSIX shell text, in the order in which they are run."""

    def take(self, outputs: Mapping[str, CommandOutput], allowance: int) -> Taken:
        """Take what is new out of what the commands printed: up to `allowance` bytes, one line at the least."""


async def take_all(shell: Shell, streams: Sequence[Stream], caps: Caps, raw_factor: int = 1) -> dict[str, Taken]:
    """Read what is new in the streams: an equal share of the host's cap each, then what is left for those with more.

    `raw_factor` is how many bytes a command may print for each byte that is taken of it. Raises VisitError.
    """
    if not streams:
        return {}
    share = min(caps.log, caps.host // len(streams))
    taken = await _round(shell, streams, share, _raw_bytes(caps, share, len(streams), raw_factor))
    cut = [stream for stream in streams if taken[stream.path].is_cut or taken[stream.path].repeat]
    if not cut:
        return taken
    rest = caps.host - sum(len(taken[path].data) for path in taken.keys() - {stream.path for stream in cut})
    more = min(caps.log, rest // len(cut))
    again = [taken[stream.path].repeat or stream for stream in cut if taken[stream.path].repeat or more > share]
    if not again:
        return taken
    return taken | await _round(shell, again, more, _raw_bytes(caps, more, len(again), raw_factor))


def _raw_bytes(caps: Caps, share: int, count: int, factor: int) -> int:
    return max(share, min(share * factor, caps.host // count))


async def _round(shell: Shell, streams: Sequence[Stream], share: int, raw_bytes: int) -> dict[str, Taken]:
    """Run the commands of the streams in one exec, each text once, and take what is new."""
    texts = {text for stream in streams for text in stream.commands.values()}
    names: dict[str, str] = {}
    for stream in streams:
        for text in stream.commands.values():
            names.setdefault(text, f"c{len(names)}")
    blocks = 1 + -(-raw_bytes // BLOCK_BYTES)  # one more: lines that are known already may come first
    limits = Limits(command_blocks=blocks, run_bytes=NOISE_BYTES + len(texts) * (blocks + 1) * BLOCK_BYTES)
    outputs = await shell.run({name: text for text, name in names.items()}, limits)
    taken = {}
    for stream in streams:
        own = {part: outputs[names[text]] for part, text in stream.commands.items()}
        # a backlog is some hundred milliseconds of work, and other hosts are waiting
        taken[stream.path] = await asyncio.to_thread(stream.take, own, share)
    return taken


@dataclass(slots=True)
class Collected:
    """The reading of one kind of logs as it grows; `state` is what was known before."""

    state: HostState
    logs: list[LogReading] = field(default_factory=list)
    patterns: set[str] = field(default_factory=set)
    problems: list[Finding] = field(default_factory=list)

    def add(self, path: str, taken: Taken) -> None:
        """Add what was taken of one stream."""
        if taken.position is not None or taken.unreadable is not None:
            self.logs.append(self._reading(path, taken))
        if taken.gap is not None:
            self.problems.append(problems.stream_gap(path, taken.gap))
        self.problems += taken.problems

    def _reading(self, path: str, taken: Taken) -> LogReading:
        before = self.state.streams.get(path)
        cursor = StreamCursor(path, taken.position, before.version if before else 0) if taken.position else None
        return LogReading(
            path=path,
            data=taken.data,
            cursor=cursor,
            bytes_appeared=len(taken.data),
            bytes_pending=None if taken.is_cut or taken.unreadable else taken.pending,
            gaps=(Gap(None, taken.gap),) if taken.gap is not None else (),
            unreadable=taken.unreadable,
        )

    def reading(self) -> LogsReading:
        """Return what was collected."""
        return LogsReading(tuple(self.logs), frozenset(self.patterns), tuple(self.problems))


def without_shell(patterns: Iterable[str], state: HostState) -> LogsReading:
    """Tell that logs which are no files cannot be had from a host without a shell."""
    collected = Collected(state)
    for pattern in patterns:
        collected.problems.append(problems.needs_shell(pattern))
    return collected.reading()


def why_failed(output: CommandOutput) -> str | None:
    """Return why a command's output says nothing; None where it ended well, or was cut while it went on."""
    if output.cut or output.status == 0:
        return None
    if output.status is None:
        return "the command's output ended early"
    if output.status == TIMED_OUT_STATUS:
        return "the command did not end within its time"
    said = first_line(output.stdout)
    return f"exit status {output.status}{f', it said: {said}' if said else ''}"


def first_line(raw: bytes) -> str:
    """Return the first line of what a host says, short and safe to show."""
    line = raw.lstrip().partition(b"\n")[0]
    return clean(line)[:REASON_LENGTH]
