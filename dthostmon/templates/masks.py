r"""What varies from line to line, taken out of a message.

Many messages are masked in one go, as one text with a line for each, because most of the cost is the beginning of a
substitution. So no expression here may look across a \n, and none may read a piece of text more than a few times.
While masks are set they are a NUL, which no cleaned line holds: a line that has our masks in its text stays apart.
"""

import re
from collections.abc import Sequence

MASK = "<*>"
_FORGED_MASK = "<\\*>"
_SET = "\0"
CACHED_WORDS = 8192
CACHED_WORD_CHARACTERS = 40

_METHODS = "GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND"
_REQUEST = re.compile(rf'"({_METHODS}) [^"\n]*+"')
ACCESS_STATUS = re.compile(r'" (\d)\d* (?:\d+|-)(?= |$)', re.ASCII)
_ACCESS_METHOD = re.compile(rf'"({_METHODS}) ')
_NAMED_STATUS = re.compile(r"\b(\w{0,40}[sS]tatus)=([1-5])0*(?![\w/.])", re.ASCII)
# what is quoted here is the message itself, and its words are masked like those of any other
_BLANKS = re.compile(r"  +")
_LEADERS = re.compile(r"\.\.\.+(?=[^\s.])")
_QUOTED_MESSAGE = re.compile(r'\b(msg|message|event|error|err|reason)="([^"\n]*+)"', re.ASCII)
_QUOTED = re.compile(r'(?<![^\s=(\[,:])"[^"\n]*+"', re.ASCII)
_SINGLE_QUOTED = re.compile(r"(?<![^\s=(\[,:])'[^'\n]*+'", re.ASCII)
_ACCOUNT_AFTER_FOR = re.compile(r"\bfor \S++ from ", re.ASCII)
_ACCOUNT_AFTER_USER = re.compile(
    r"\b([Uu]ser|[Aa]ccount) \S*+(?=\n| from | by | on | via | at | in | with | port | logged | \[|$)", re.ASCII
)
_ACCOUNT_MEMBER = re.compile(
    r"\b(user|ruser|acct|logname|login|username|rhost|host|hostname|client|addr|exe|comm|name)=[^\s,;\"')\]]*+",
    re.ASCII,
)
_HOST_IN_BRACKETS = re.compile(r" \((?:[^\s().]++\.[^\s()]++)?\)", re.ASCII)
_EDGES = re.compile(r"""([\s,;()\[\]{}"'<>|=]+)""", re.ASCII)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE = re.compile(rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:{_MONTHS}) +\0(?: [A-Z]++ \0)?")
# sizes and durations change their unit with their value
_UNIT = re.compile("\0 (?:[kKMGT]i?B|[mun]s|seconds?|secs?|minutes?|mins?|hours?|days?)(?![A-Za-z=])")
_SIZE_AGAIN = re.compile("\0 bytes \\(\0\\)")
_IN_A_ROW = re.compile("\0(?:[ ,]+(?:\0|-(?![^ ,\\]\n])))+")


def mask(message: str) -> str:
    """Return a message, in which numbers may be shortened, with its parameters as <*>."""
    return mask_all([message])[0]


def mask_all(messages: Sequence[str]) -> list[str]:
    """Return each message, free of NUL and line breaks, with its parameters as <*>."""
    text = "\n" + "\n".join(messages)
    if MASK in text:
        text = text.replace(MASK, _FORGED_MASK)
    text = _mask_phrases(text)
    words = _EDGES.split(text)
    words[::2] = map(_WORDS.__getitem__, words[::2])
    text = _join_masks("".join(words)).replace(_SET, MASK)
    return [line.strip() for line in text[1:].split("\n")]


def access_text(line: str) -> str:
    """Return the masked form of a web server's access line: its method and the class of its status are its kind."""
    method, status = _ACCESS_METHOD.search(line), ACCESS_STATUS.search(line)
    return f'{MASK} "{method[1] if method else MASK} {MASK}" {status[1] if status else MASK}xx {MASK}'


def _mask_phrases(text: str) -> str:
    """Mask what more than one word decides."""
    for occurring, expression, replacement in _PHRASES:
        if occurring in text:
            text = expression.sub(replacement, text)
    return text


# what must occur for the expression to be worth a look, and what takes its place, in the order of work
_PHRASES = (
    ("  ", _BLANKS, " "),
    ("...", _LEADERS, "... "),
    ("[-]", re.compile(r"\[-\]"), f"[{_SET}]"),
    ('"', _REQUEST, rf"\1 {_SET}"),
    ('="', _QUOTED_MESSAGE, r"\1=\2"),
    ('"', _QUOTED, _SET),
    ("'", _SINGLE_QUOTED, _SET),
    (" for ", _ACCOUNT_AFTER_FOR, f"for {_SET} from "),
    ("ser ", _ACCOUNT_AFTER_USER, rf"\1 {_SET}"),
    ("ccount ", _ACCOUNT_AFTER_USER, rf"\1 {_SET}"),
    ("tatus=", _NAMED_STATUS, r"\1=\2xx"),
    ("=", _ACCOUNT_MEMBER, rf"\1={_SET}"),
    (" (", _HOST_IN_BRACKETS, f" ({_SET})"),
)


def _join_masks(text: str) -> str:
    """Make one of masks that only together are a value: dates, sizes with their unit, lists of numbers."""
    text = _DATE.sub(_SET, text)
    text = _UNIT.sub(_SET, text)
    text = _IN_A_ROW.sub(_SET, text)
    return _SIZE_AGAIN.sub(f"{_SET} bytes", text)


class _MaskedWords(dict[str, str]):
    """Words and their masks, worked out when first asked for; full, it forgets: that changes no result."""

    def __missing__(self, word: str) -> str:
        masked = _mask_word(word)
        if len(word) <= CACHED_WORD_CHARACTERS:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = masked
        return masked


_WORDS = _MaskedWords()
_PARAMETER = re.compile(
    r"~?\.{0,2}/.|[A-Za-z]:\\|[a-z][a-z+.-]*+://|[^/\s]*+/[^/\s]*+/.|[a-f]{8,}+$|.+\.exe$", re.ASCII
)
_TOP_LEVEL_DOMAIN = re.compile(
    "com|net|org|edu|gov|mil|int|info|biz|arpa|local|lan|internal|intranet|corp|home|localdomain"
)


def _mask_word(word: str) -> str:
    """Return the mask for a word with a digit, a path, a URL, a host's name or an address, with its punctuation."""
    if word.isalpha() and len(word) < 8:
        return word
    core = word.rstrip(".:!?")
    if word.endswith("xx") and len(word) == 3:  # a class of status: a digit of the line itself is a 0 by now
        return word
    if any(digit in core for digit in "0123456789") or _PARAMETER.match(core) or _is_host(core):
        return _SET + word[len(core) :]
    return word


def _is_host(word: str) -> bool:
    name, dot, domain = word.partition(":")[0].rpartition(".")
    if "@" in word:
        return 0 < word.index("@") < len(word) - 1
    return bool(dot and name) and _TOP_LEVEL_DOMAIN.fullmatch(domain) is not None
