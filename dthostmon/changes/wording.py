"""A difference in words: one wording for each thing that a person would call a change. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.changes.sentences import sentence, shown_fields
from dthostmon.changes.texts import diff
from dthostmon.model import Difference, Group, ShellHistory, Thing

MAX_SENTENCE_CHARACTERS = 300
MAX_COMMANDS = 50  # of one history and visit: who pasted more is told of the last ones


@dataclass(frozen=True, slots=True)
class Wording:
    """A change in words. `values_before` and `values` are what the table of severities looks at: the fields of the
    thing as text, and more; empty where it was not there.
    """

    subject: str
    before: str | None
    after: str | None
    sentence: str
    diff: str = ""
    values_before: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def wordings(difference: Difference) -> tuple[Wording, ...]:
    """Say what differs."""
    if isinstance(difference.thing, ShellHistory):
        return tuple(_commands(difference))
    if isinstance(difference.before, Group) and isinstance(difference.after, Group):
        return tuple(_members(difference.before, difference.after))
    return (_single(difference),)


def _single(difference: Difference) -> Wording:
    was, now = difference.before, difference.after
    return Wording(
        subject=difference.thing.subject,
        before=was.state if was else None,
        after=now.state if now else None,
        sentence=cut(sentence(difference)),
        diff=diff(difference),
        values_before=shown_fields(was) if was else {},
        values=shown_fields(now) if now else {},
    )


def _members(was: Group, now: Group) -> Iterator[Wording]:
    """Say of a group who came and who went: that is what people look for."""
    if was.gid != now.gid:
        yield _single(Difference(was, now))
    for member in sorted({*now.members} - {*was.members}):
        values = {"name": now.name, "member": member}
        yield Wording(now.name, None, member, cut(f"user {member} added to {now.name}"), values=values)
    for member in sorted({*was.members} - {*now.members}):
        values = {"name": now.name, "member": member}
        yield Wording(now.name, member, None, cut(f"user {member} removed from {now.name}"), values_before=values)


def _commands(difference: Difference) -> Iterator[Wording]:
    """Tell the new commands of a history one by one; one that was emptied is told as that."""
    before, after = _entries(difference.before), _entries(difference.after)
    path = difference.thing.subject
    if before and not after:
        yield Wording(path, before[-1], None, cut(f"the history {path} was emptied"), values_before={"path": path})
    for command in new_commands(before, after)[-MAX_COMMANDS:]:
        values = {"path": path, "command": command}
        yield Wording(path, None, command, cut(f"{path}: {command}"), values=values)


def _entries(thing: Thing | None) -> tuple[str, ...]:
    return thing.commands if isinstance(thing, ShellHistory) else ()


def new_commands(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was added to a history whose oldest entries may have gone: what follows the longest overlap."""
    for size in range(min(len(before), len(after)), 0, -1):
        if before[-size:] == after[:size]:
            return after[size:]
    # it was written anew: another shell saved its own over it
    known = set(before)
    return tuple(command for command in after if command not in known)


def cut(text: str) -> str:
    """Return a sentence that is short enough to be read."""
    return text if len(text) <= MAX_SENTENCE_CHARACTERS else f"{text[: MAX_SENTENCE_CHARACTERS - 1]}…"
