"""Logs of containers: what Docker and Podman keep of a container's output, read on from the last line taken.

A container is known by its id: renamed it goes on under its new name, made anew under an old name it is read from its
start.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dthostmon.logs import problems
from dthostmon.logs.container_lines import (
    RECENT_BYTES,
    SECOND,
    Line,
    Printed,
    Selected,
    asked_since,
    format_stamp,
    parse_printed,
    select_last,
    select_new,
    token_stamp,
)
from dthostmon.logs.reading import Caps
from dthostmon.logs.streams import MISSING_STATUS, Collected, Taken, first_line, take_all, why_failed
from dthostmon.model import Finding, HostState, LogsReading, StreamPosition
from dthostmon.transport import CommandOutput, Shell

PREFIX = "docker:"
ENGINES = ("docker", "podman")
MOST_CONTAINERS = 100  # each costs its host a process and some tens of milliseconds
FIRST_LINES = 2000  # what the look-back is cut from
# Docker reads all it has kept when it is asked for lines since a time, so only these last ones are asked for first.
# Podman's --tail joins a whole line and an unfinished one behind it, so there it is not used.
TAIL_ENGINE = "docker"
TAIL_LINES = 20_000
CLOCK_SLACK = 5 * SECOND

PASSED_REASON = "a line was longer than one visit may read: the rest of it, or what came next, was passed over"
CLOCK_REASON = "the host's clock was set back: what was printed since cannot be told from what was read"

_LISTED = re.compile(r"([0-9a-f]{12,64}) ([A-Za-z0-9][A-Za-z0-9_.-]{0,254})(?:,\S*)? (.*)")


@dataclass(frozen=True, slots=True)
class Container:
    """A container that an engine lists. `name` is fit to stand in a path and in a command."""

    engine: str
    id: str
    name: str
    is_running: bool

    @property
    def path(self) -> str:
        """Its name in the ledger."""
        return PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Listing:
    """The containers of a host, the newest first; `refusals` are engines that are there and did not answer."""

    containers: tuple[Container, ...]
    refusals: Mapping[str, str]
    is_absent: bool
    strange: int


async def read_containers(
    shell: Shell, patterns: Sequence[str], state: HostState, look_back: int, caps: Caps
) -> LogsReading:
    """Read what is new in the containers that the patterns name. Raises VisitError where the exec itself failed."""
    listing = parse_listing(await shell.run({engine: _list_command(engine) for engine in ENGINES}))
    collected = Collected(state, problems=_told(listing, patterns))
    matched = {pattern: _matching(listing.containers, pattern) for pattern in patterns}
    chosen = _chosen(listing.containers, matched, collected)
    look_back = min(look_back, caps.log, caps.host // max(1, len(chosen)))
    streams = [_stream(container, matched, state, look_back) for container in chosen]
    taken = await take_all(shell, streams, caps)
    for stream in streams:
        collected.add(stream.path, taken[stream.path])
    could_be_read = {log.path for log in collected.logs if log.cursor}
    for pattern, containers in matched.items():
        if could_be_read & {container.path for container in containers} or not (containers or listing.refusals):
            collected.patterns.add(pattern)
    return collected.reading()


def _list_command(engine: str) -> str:
    """Return a command that lists all containers, or says why it cannot and ends with the engine's exit status."""
    listing = f"{engine} ps --all --no-trunc"
    form = "--format '{{.ID}} {{.Names}} {{.Status}}'"
    return f"{listing} {form} || {{ status=$?; {listing} 2>&1; exit $status; }}"


def parse_listing(outputs: Mapping[str, CommandOutput]) -> Listing:
    """Read what the engines list. A name that no engine gives is counted and goes nowhere."""
    containers: dict[str, Container] = {}
    refusals, strange = {}, 0
    for engine, output in outputs.items():
        if output.status == MISSING_STATUS:
            continue
        if reason := why_failed(output):
            refusals[engine] = reason
            continue
        for line in output.stdout.decode("utf-8", "backslashreplace").splitlines():
            found = _LISTED.fullmatch(line)
            strange += found is None
            if found:
                # `docker` may be Podman's own stand-in: one id is one container
                containers.setdefault(found[1], Container(engine, found[1], found[2], found[3].startswith("Up")))
    is_absent = all(output.status == MISSING_STATUS for output in outputs.values())
    return Listing(tuple(containers.values()), refusals, is_absent, strange)


def _told(listing: Listing, patterns: Sequence[str]) -> list[Finding]:
    told = [problems.engine_refused(engine, reason) for engine, reason in listing.refusals.items()]
    if listing.is_absent:
        told += [problems.absent(pattern, "there is neither docker nor podman on this host") for pattern in patterns]
    elif not listing.refusals:
        names = {container.path for container in listing.containers}
        told += [problems.no_container(path) for path in patterns if not _is_glob(path) and path not in names]
    if listing.strange:
        told.append(problems.strange_names(listing.strange))
    return told


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def _matching(containers: Sequence[Container], pattern: str) -> Sequence[Container]:
    return [container for container in containers if fnmatch.fnmatchcase(container.path, pattern)]


def _chosen(
    containers: Sequence[Container], matched: Mapping[str, Sequence[Container]], collected: Collected
) -> Sequence[Container]:
    """Return the containers to read, each path once, and tell of those that are not."""
    wanted = {container.id for found in matched.values() for container in found}
    by_path: dict[str, Container] = {}
    for container in (container for container in containers if container.id in wanted):
        if container.path in by_path:
            collected.problems.append(problems.same_name(container.path, container.engine))
        by_path.setdefault(container.path, container)
    if len(by_path) > MOST_CONTAINERS:
        collected.problems.append(problems.too_many_containers(len(by_path), MOST_CONTAINERS))
    return list(by_path.values())[:MOST_CONTAINERS]


def _stream(
    container: Container, matched: Mapping[str, Sequence[Container]], state: HostState, look_back: int
) -> "ContainerStream":
    naming = [pattern for pattern, containers in matched.items() if container in containers]
    position = _known_position(container, state)
    is_first = state.patterns.isdisjoint(naming) and container.path not in state.streams
    if position is None and not is_first:
        position = StreamPosition("", container.id)
    return ContainerStream(container, position, look_back)


def _known_position(container: Container, state: HostState) -> StreamPosition | None:
    """Return how far a container was read, under whatever names it had."""
    known = [cursor.position for cursor in state.streams.values() if cursor.position.source == container.id]
    return max(known, key=lambda position: token_stamp(position) or 0, default=None)


@dataclass(frozen=True, slots=True)
class ContainerStream:
    """One container's output. `position` is None before the first visit of the pattern that names it.

    `is_thorough`: all since the position is asked for, since the last lines alone did not reach back to it.
    """

    container: Container
    position: StreamPosition | None
    look_back: int
    is_thorough: bool = False

    @property
    def path(self) -> str:
        """See `Stream`."""
        return self.container.path

    @property
    def commands(self) -> Mapping[str, str]:
        """See `Stream`."""
        return {"now": "date +%s", "logs": self._command()}

    def _command(self) -> str:
        ask = f"{self.container.engine} logs --timestamps"
        if self.position is None:
            last = f" --tail {FIRST_LINES}" if self.container.engine == TAIL_ENGINE else ""
            return f"{ask}{last} {self.container.id} 2>&1 | tail -c {self._first_bytes}"
        begin = asked_since(self.position)
        since = f" --since {format_stamp(begin)}" if begin is not None else ""
        tail = f" --tail {TAIL_LINES}" if self._is_tail else ""
        return f"{ask}{since}{tail} {self.container.id} 2>&1"

    @property
    def _first_bytes(self) -> int:
        return self.look_back + RECENT_BYTES

    @property
    def _is_tail(self) -> bool:
        is_on = self.position is not None and bool(self.position.token)
        return is_on and self.container.engine == TAIL_ENGINE and not self.is_thorough

    def take(self, outputs: Mapping[str, CommandOutput], allowance: int) -> Taken:
        """See `Stream`."""
        output = outputs["logs"]
        now = _now(outputs["now"])
        is_begun_within = self.position is None and len(output.stdout) >= self._first_bytes
        printed = parse_printed(output.stdout.partition(b"\n")[2] if is_begun_within else output.stdout)
        reason = why_failed(output)
        if not printed.lines and not printed.tail and (reason or printed.said):
            return _unreadable(self.path, first_line(printed.said) or reason or "")
        if self.position is None:
            start = format_stamp(now) if is_begun_within and now else ""
            return self._take_first(printed, StreamPosition(start, self.container.id), allowance)
        if (begin := token_stamp(self.position)) and now is not None and now + CLOCK_SLACK < begin:
            return Taken(position=StreamPosition(format_stamp(now), self.container.id), gap=CLOCK_REASON)
        if self._is_tail and (output.cut or reason or len(printed.lines) >= TAIL_LINES // 2):
            return Taken(position=self.position, is_cut=True, repeat=replace(self, is_thorough=True))
        if output.cut and printed.tail and not self._has_news(printed):
            return self._pass(printed.tail, now)
        return self._take_on(printed, self.position, allowance, reason, is_cut=output.cut)

    def _take_first(self, printed: Printed, start: StreamPosition, allowance: int) -> Taken:
        lines = self._lines(printed, is_cut=False)
        if not lines:
            return Taken(position=start, pending=_size(printed.tail))
        selected = select_last(lines, replace(start, token=""), min(self.look_back, allowance))
        return self._taken(selected, printed, None, is_cut=False)

    def _take_on(
        self, printed: Printed, position: StreamPosition, allowance: int, reason: str | None, *, is_cut: bool
    ) -> Taken:
        selected = select_new(self._lines(printed, is_cut=is_cut or reason is not None), position, allowance)
        return self._taken(selected, printed, reason, is_cut=is_cut or reason is not None)

    def _has_news(self, printed: Printed) -> bool:
        return self.position is not None and bool(select_new(printed.lines, self.position, 0).lines)

    def _pass(self, line: Line, now: int | None) -> Taken:
        """Take what arrived of a line that is longer than a visit may print, and go on at its last record.

        The container may have written that record's stamp itself, to be passed over up to there: so it is a gap.
        """
        text = line.raw.removesuffix(b"\n") + b" [cut: more than %d bytes]\n" % (len(line.raw) - 1)
        until = (now or line.stamp) + CLOCK_SLACK
        records = [later.stamp for later in line.records if line.stamp < later.stamp <= until]
        behind = records[-1] if records else line.stamp + 2
        return Taken(text, StreamPosition(format_stamp(behind), self.container.id), is_cut=True, gap=PASSED_REASON)

    def _lines(self, printed: Printed, *, is_cut: bool) -> Sequence[Line]:
        """Return the whole lines; a last one without newline is whole where its container has ended."""
        is_ended = printed.tail and not is_cut and not self.container.is_running
        return (*printed.lines, printed.tail) if printed.tail and is_ended else printed.lines

    def _taken(self, selected: Selected, printed: Printed, reason: str | None, *, is_cut: bool) -> Taken:
        said = first_line(printed.said)
        told = (problems.engine_said(self.path, said, is_failure=reason is not None),) if said else ()
        return Taken(
            data=b"".join(line.raw for line in selected.lines),
            position=selected.position,
            is_cut=selected.is_cut or is_cut,
            pending=_size(printed.tail) if self.container.is_running else 0,
            problems=told,
        )


def _size(tail: Line | None) -> int:
    return len(tail.raw) - 1 if tail else 0  # its newline is not there yet


def _now(output: CommandOutput) -> int | None:
    digits = output.stdout.strip()
    return int(digits) * SECOND if re.fullmatch(rb"[0-9]{1,11}", digits) else None


def _unreadable(path: str, reason: str) -> Taken:
    action = "Run `docker logs` (or `podman logs`) for it on the host; a logging driver that keeps nothing has none."
    return Taken(unreadable=reason, problems=(problems.stream_unreadable(path, reason, action),))
