"""What changed in a file's text. Pure."""

from difflib import unified_diff
from itertools import islice

from dthostmon.model import Difference, WatchedFile

MAX_DIFF_LINES = 400
MAX_LINE_CHARACTERS = 400
MAX_SHOWN_CHARACTERS = 100  # of a line in a sentence
CONTEXT_LINES = 3


def changed_text(was: WatchedFile, now: WatchedFile) -> str:
    """Say what changed in a file: the line itself where it is one; empty where its bytes are the same."""
    if (was.digest, was.size) == (now.digest, now.size):
        return ""
    if was.text is None or now.text is None:
        return f"{was.size} → {now.size} bytes"
    lines = list(unified_diff(_lines(was), _lines(now), n=0, lineterm=""))[2:]
    gone, new = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    if not gone and not new:
        return "a secret or the end of a line in it changed"
    if len(gone) > 1 or len(new) > 1:
        return f"+{len(new)} -{len(gone)} lines"
    if gone and new:
        return f"{_shown(gone[0])} → {_shown(new[0])}"
    return f"+ {_shown(new[0])}" if new else f"- {_shown(gone[0])}"


def diff(difference: Difference) -> str:
    """Return a unified diff of a file's text, bounded; empty where there is none to show."""
    was, now = difference.before, difference.after
    if not isinstance(difference.thing, WatchedFile) or _is_unknown(was) or _is_unknown(now):
        return ""
    lines = unified_diff(_lines(was), _lines(now), "before", "after", n=CONTEXT_LINES, lineterm="")
    shown = [line[:MAX_LINE_CHARACTERS] for line in islice(lines, MAX_DIFF_LINES + 1)]
    more = ["(more lines differ)"] if len(shown) > MAX_DIFF_LINES else []
    return "\n".join([*shown[:MAX_DIFF_LINES], *more])


def _is_unknown(file: object) -> bool:
    return isinstance(file, WatchedFile) and file.text is None


def _lines(file: object) -> list[str]:
    return (file.text or "").splitlines() if isinstance(file, WatchedFile) else []


def _shown(line: str) -> str:
    return line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[: MAX_SHOWN_CHARACTERS - 1]}…"
