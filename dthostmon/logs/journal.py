"""Logs of journald: what came after the last entry that was taken, each entry as one line of syslog.

The last entry is asked for again: only so it shows whether it is still there. `--after-cursor` would not tell, and
where that entry is gone journalctl leaves out the one after it too.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from dthostmon.logs import problems
from dthostmon.logs.journal_entries import (
    FIELDS,
    Entry,
    is_cursor,
    is_next,
    is_same,
    later,
    parse_entries,
    render,
)
from dthostmon.logs.reading import Caps
from dthostmon.logs.streams import MISSING_STATUS, Collected, Taken, take_all, why_failed
from dthostmon.model import HostState, LogsReading, StreamPosition
from dthostmon.transport import CommandOutput, Shell

PREFIX = "journal:"
JOURNALCTL = "journalctl --no-pager --quiet --output=export"
READ = f"{JOURNALCTL} --output-fields={','.join(FIELDS)}"
PEEK = f"{JOURNALCTL} --output-fields=PRIORITY"
PEEK_BYTES = 4096  # an entry's cursor comes first
FIRST_ENTRIES = 2000  # what the look-back is cut from
RAW_FACTOR = 3  # the export format is about that much longer than the lines made of it

# Without --quiet journalctl says on stderr what it may not read; some forms of output imply --quiet.
ACCESS = "journalctl --no-pager --lines=0 --output=short 2>&1"
NO_RIGHTS = (b"insufficient permissions", b"not seeing messages from other users")
NO_JOURNAL = b"No journal files were found"

LOST_REASON = "the journal no longer holds what was read last: older entries were removed, or it is another one"
NO_RIGHTS_REASON = "the monitoring user may not read the system's journal"
NO_EXPORT_REASON = "journalctl printed no entries in the export format; systemd 236 or newer is needed"


async def read_journals(
    shell: Shell, patterns: Sequence[str], state: HostState, look_back: int, caps: Caps
) -> LogsReading:
    """Read what is new in the journal and in single units of it. Raises VisitError where the exec itself failed."""
    streams = [_stream(pattern, state, look_back) for pattern in patterns]
    taken = await take_all(shell, streams, caps, RAW_FACTOR)
    collected = Collected(state)
    for stream in streams:
        result = taken[stream.path]
        collected.add(stream.path, result)
        if result.position:
            collected.patterns.add(stream.path)
    return collected.reading()


def _stream(pattern: str, state: HostState, look_back: int) -> "JournalStream":
    known = state.streams.get(pattern)
    token = known.position.token if known else None
    return JournalStream(pattern, token if not token or is_cursor(token) else "", look_back)


@dataclass(frozen=True, slots=True)
class JournalStream:
    """The journal, or one unit of it. `token` is None before the first visit and empty where nothing was there yet.

    `is_past`: the last entry is known to be there and too large to be asked for again. `lost`: the reason of a gap that
    is known already.
    """

    path: str
    token: str | None
    look_back: int
    is_past: bool = False
    lost: str | None = None

    @property
    def unit(self) -> str:
        """The unit's name; empty for all of the journal."""
        return self.path.removeprefix(PREFIX)

    @property
    def commands(self) -> Mapping[str, str]:
        """See `Stream`.

        A quiet unit's last entry is removed in due time and nothing is lost: so a unit's token is the newest entry of
        the whole journal, and `at` tells whether that one is still there.
        """
        token = shlex.quote(self.token or "")
        peeks = {"newest": f"{PEEK} --lines=1"} if self.unit else {}
        if self.unit and self.token:
            peeks["at"] = f"{PEEK} --cursor={token} | head -c {PEEK_BYTES}"
        return {"access": ACCESS, **peeks, "read": " ".join([READ, *self._unit_option(), *self._place_options(token)])}

    def _unit_option(self) -> Sequence[str]:
        return [f"--unit={shlex.quote(self.unit)}"] if self.unit else []

    def _place_options(self, token: str) -> Sequence[str]:
        if self.token is None:
            return ["--reverse", f"--lines={FIRST_ENTRIES}"]
        if not self.token:
            return []
        return [f"--after-cursor={token}" if self.is_past else f"--cursor={token}"]

    def take(self, outputs: Mapping[str, CommandOutput], allowance: int) -> Taken:
        """See `Stream`."""
        if refusal := _refusal(self.path, outputs["access"]) or self._failure(outputs):
            return refusal
        newest = _first_cursor(outputs.get("newest"))
        taken = self._take_first(outputs, allowance) if self.token is None else self._take_on(outputs, allowance)
        if not newest or not taken.position or taken.is_cut:
            return taken
        return replace(taken, position=StreamPosition(later(taken.position.token, newest)))

    def _failure(self, outputs: Mapping[str, CommandOutput]) -> Taken | None:
        read = outputs["read"]
        reason = why_failed(read) if not read.stdout.startswith(b"__CURSOR=") else None
        if reason := reason or (why_failed(outputs["at"]) if "at" in outputs else None):
            return _unreadable(self.path, f"journalctl: {reason}", "Run the same journalctl on the host to see why.")
        if read.stdout and (first := next(parse_entries(read.stdout), None)) and first.cursor is None:
            return _unreadable(
                self.path, NO_EXPORT_REASON, "Update systemd on the host, or read its log files instead."
            )
        return None

    def _take_first(self, outputs: Mapping[str, CommandOutput], allowance: int) -> Taken:
        """Take the newest entries, which come first, within the look-back."""
        entries = parse_entries(outputs["read"].stdout)
        newest = next(entries, None)
        if newest is None:
            told = (problems.no_entries(self.path),)
            return Taken(position=StreamPosition(""), gap=self.lost, problems=told)
        lines = _within(chain([newest], entries), min(self.look_back, allowance))
        return Taken(b"".join(reversed(lines)), StreamPosition(newest.cursor or ""), gap=self.lost)

    def _take_on(self, outputs: Mapping[str, CommandOutput], allowance: int) -> Taken:
        output = outputs["read"]
        entries = parse_entries(output.stdout)
        first = next(entries, None)
        is_known = first is not None and self._is_token(first.cursor)
        if is_known and first and not first.is_whole:
            return Taken(position=StreamPosition(self.token or ""), is_cut=True, repeat=replace(self, is_past=True))
        if first and not is_known:
            entries = chain([first], entries)
        found = _first_cursor(outputs["at"]) if "at" in outputs else first.cursor if first else None
        gap = None if self._is_whole_after(found) else LOST_REASON
        if gap and found is None and first is None:
            again = replace(self, token=None, lost=gap)  # it is another journal, and all of it is new
            return Taken(position=StreamPosition(self.token or ""), is_cut=True, repeat=again)
        return replace(_take_lines(entries, self.token or "", allowance, output), gap=gap)

    def _is_token(self, cursor: str | None) -> bool:
        return bool(self.token and cursor and is_same(cursor, self.token))

    def _is_whole_after(self, found: str | None) -> bool:
        """Tell whether nothing is missing between the token and what was found from there on."""
        if not self.token or self.is_past:
            return True
        return found is not None and (self._is_token(found) or is_next(self.token, found))


def _take_lines(entries: Iterator[Entry], token: str, allowance: int, output: CommandOutput) -> Taken:
    """Take whole entries; one that is longer than all that may be printed is taken as far as it came."""
    lines: list[bytes] = []
    size, is_cut = 0, output.cut or why_failed(output) is not None
    for entry in entries:
        line = render(entry)
        if not entry.is_whole and (lines or not output.cut):
            break
        if lines and size + len(line) > allowance:
            is_cut = True
            break
        lines.append(line)
        size += len(line)
        token = entry.cursor or token
    return Taken(b"".join(lines), StreamPosition(token), is_cut)


def _within(entries: Iterator[Entry], limit: int) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        line = render(entry)
        size += len(line)
        if size > limit or not (entry.is_whole or not lines):
            break
        lines.append(line)
    return lines


def _first_cursor(output: CommandOutput | None) -> str | None:
    first = next(parse_entries(output.stdout), None) if output else None
    return first.cursor if first else None


def _refusal(path: str, access: CommandOutput) -> Taken | None:
    """Return why the journal cannot be read at all, and what to do; None where it can."""
    if access.status == MISSING_STATUS:
        return Taken(problems=(problems.absent(path, "there is no journalctl on this host"),))
    if any(words in access.stdout for words in NO_RIGHTS):
        return _unreadable(
            path, NO_RIGHTS_REASON, "usermod -aG systemd-journal USER on the host, with the user's name."
        )
    if NO_JOURNAL in access.stdout:
        return Taken(problems=(problems.absent(path, "this host keeps no journal"),))
    if reason := why_failed(access):
        return _unreadable(path, f"journalctl: {reason}", "Run journalctl -n 1 on the host to see why.")
    return None


def _unreadable(path: str, reason: str, action: str) -> Taken:
    return Taken(unreadable=reason, problems=(problems.stream_unreadable(path, reason, action),))
