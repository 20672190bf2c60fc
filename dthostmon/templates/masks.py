r"""What varies from line to line, taken out of a message.

Many messages are masked in one go, as one text with a line for each, because most of the cost is the beginning of a
substitution. So no expression here may look across a \n, and none may read a piece of text more than a few times.
While masks are set they are a NUL, which no cleaned line holds: a line that has our masks in its text stays apart.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import compress, count

MASK = "<*>"
_FORGED_MASK = "<\\*>"
_SET = "\0"
CACHED_WORDS = 8192
CACHED_WORD_CHARACTERS = 40

# Each expression begins with a character that is rare or at least a letter among few: a search for it is fast.
_METHODS = "GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND"
_REQUEST = re.compile(rf'"({_METHODS}) [^"\n]*+"')
ACCESS_STATUS = re.compile(r'" (\d)\d* (?:\d+|-)(?= |$)', re.ASCII)
_ACCESS_METHOD = re.compile(rf'"({_METHODS}) ')
_NAMED_STATUS = re.compile(r"tatus=([1-5])0*(?![\w/.])", re.ASCII)
_BLANKS = re.compile(r"  +")
_LEADERS = re.compile(r"\.\.\.+")
# what is quoted here is the message itself, and its words are masked like those of any other
_QUOTED_MESSAGE = re.compile(r'(msg|message|event|error|err|reason)="([^"\n]*+)"')
# and so it is at the beginning of a message, or behind the place in a program's source
_MESSAGE_IN_QUOTES = re.compile(r'\n"([^"\n]*+)"(?=[ \n]|\Z)')
_MESSAGE_BEHIND_PLACE = re.compile(r':0\] "([^"\n]*+)"(?=[ \n]|\Z)')
_QUOTED = re.compile(r'"(?<![^\s=(\[,:]")[^"\n]*+"', re.ASCII)
_SINGLE_QUOTED = re.compile(r"'(?<![^\s=(\[,:]')[^'\n]*+'", re.ASCII)
_ACCOUNT_AFTER_FOR = re.compile(r" for \S++ from ", re.ASCII)
_AFTER_ACCOUNT = r"\S*+(?=\n| from | by | on | via | at | in | with | port | logged | \[|$)"
_ACCOUNT_AFTER_USER = re.compile(rf"ser (?<=[Uu]ser ){_AFTER_ACCOUNT}", re.ASCII)
_ACCOUNT_AFTER_ACCOUNT = re.compile(rf"ccount (?<=[Aa]ccount ){_AFTER_ACCOUNT}", re.ASCII)
_ACCOUNT_MEMBERS = frozenset(
    (
        "user",
        "ruser",
        "acct",
        "logname",
        "login",
        "username",
        "rhost",
        "host",
        "hostname",
        "client",
        "addr",
        "exe",
        "name",
    )
)
_NO_WORDS = frozenset(("true", "false", "True", "False", "null", "nil", "None", "undefined"))
_HOST_IN_BRACKETS = re.compile(r" \((?:[^\s().]++\.[^\s()]++)?\)", re.ASCII)
_EDGE = r""" \t\n\r\f\v,;()\[\]{}"'<>|="""  # spelt out: a class that holds another one is slower
_EDGES = re.compile(rf"([{_EDGE}]+)", re.ASCII)
_WORD_WITH_NUMBER = re.compile(rf"(?<![^{_EDGE}])[^{_EDGE}0]*+0[^{_EDGE}]*(?<![.:!?])", re.ASCII)
_PUNCTUATION = ".:!?"
_PADDING = " \t"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_MARK = "\x01"  # behind the name of a month, so that a text without one need not be searched for dates
_DATE = re.compile(rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:{'|'.join(_MONTHS)})\x01 +\x00(?: [A-Z]++ \x00)?")
# sizes and durations change their unit with their value
_UNIT = re.compile("\0 (?:[kKMGT]?i?B|[mun]s|seconds?|secs?|minutes?|mins?|hours?|days?)(?![A-Za-z=])")
_INEXACT = re.compile("[<>](?<= [<>])=?\0(?!>)")  # less than a second, more than 100
_SIZE_AGAIN = re.compile("\0 bytes \\(\0\\)")
_IN_A_ROW = re.compile("\0(?:[ ,]+(?:\0|-(?![^ ,\\]\n])))+")


def mask(message: str) -> str:
    """Return a message, in which numbers may be shortened, with its parameters as <*>."""
    return mask_all([message])[0]


def mask_all(messages: Sequence[str]) -> list[str]:
    """Return each message, free of NUL and line breaks, with its parameters as <*>."""
    text = "\n".join(messages)
    if MASK in text:
        text = text.replace(MASK, _FORGED_MASK)
    lines = _WORD_WITH_NUMBER.sub(_SET, _mask_phrases(text, _PHRASES_OF_NUMBERS)).split("\n")
    different = list(dict.fromkeys(lines))  # where parameters are random, few are left
    masked = dict(zip(different, _mask_words(different), strict=True))
    return list(map(masked.__getitem__, lines))


def _mask_words(lines: Sequence[str]) -> list[str]:
    text = _mask_phrases("\n" + "\n".join(lines), _PHRASES)[1:]
    words = _EDGES.split(text)
    if "=" in text:
        _mask_members(words)
    words[::2] = map(_WORDS.__getitem__, words[::2])
    text = _join_masks("".join(words)).replace(_SET, MASK)
    return [line.strip(_PADDING) for line in text.split("\n")]


def access_text(line: str) -> str:
    """Return the masked form of a web server's access line: its method and the class of its status are its kind."""
    method, status = _ACCESS_METHOD.search(line), ACCESS_STATUS.search(line)
    return f'{MASK} "{method[1] if method else MASK} {MASK}" {status[1] if status else MASK}xx {MASK}'


def _mask_phrases(text: str, by_mark: "_Phrases") -> str:
    """Mask what more than one word decides."""
    for mark, phrases in by_mark.items():
        if mark in text:
            for occurring, expression, replacement in phrases:
                if occurring in text:
                    text = expression.sub(replacement, text)
    return text


# what must occur for the expression to be worth a look, and what takes its place, in the order of work; a single
# character is looked for many times faster than two, so those come under one that they share
_Phrases = Mapping[str, Sequence[tuple[str, re.Pattern[str], str]]]
# those that ask for a number, or divide words that have one: all others are looked for in fewer lines
_PHRASES_OF_NUMBERS: _Phrases = {
    ".": (("...", _LEADERS, "... "),),
    "=": (("tatus=", _NAMED_STATUS, r"tatus=\1xx"),),
    '"': (('] "', _MESSAGE_BEHIND_PLACE, r":0] \1"),),
}
_PHRASES: _Phrases = {
    " ": (("  ", _BLANKS, " "),),
    "[": (("[-]", re.compile(r"\[-\]"), f"[{_SET}]"),),
    '"': (
        ('"', _REQUEST, rf"\1 {_SET}"),
        ('="', _QUOTED_MESSAGE, r"\1=\2"),
        ('\n"', _MESSAGE_IN_QUOTES, r"\n\1"),
        ('"', _QUOTED, _SET),
    ),
    "'": (("'", _SINGLE_QUOTED, _SET),),
    "r": (
        (" for ", _ACCOUNT_AFTER_FOR, f" for {_SET} from "),
        ("ser ", _ACCOUNT_AFTER_USER, f"ser {_SET}"),
    ),
    "c": (("ccount ", _ACCOUNT_AFTER_ACCOUNT, f"ccount {_SET}"),),
    "(": ((" (", _HOST_IN_BRACKETS, f" ({_SET})"),),
}


def _join_masks(text: str) -> str:
    """Make one of masks that only together are a value: dates, sizes with their unit, lists of numbers."""
    if _MONTH_MARK in text:
        text = _DATE.sub(_SET, text).replace(_MONTH_MARK, "")
    text = _UNIT.sub(_SET, text)
    if f"<{_SET}" in text or f">{_SET}" in text:
        text = _INEXACT.sub(_SET, text)
    text = _IN_A_ROW.sub(_SET, text)
    return _SIZE_AGAIN.sub(f"{_SET} bytes", text)


def _mask_members(words: list[str]) -> None:
    """Mask the values of members that name somebody or are no words: words are at even places, edges at odd ones."""
    edges = words[1::2]
    equal_signs = {edge for edge in set(edges) if edge[0] == "="}
    for place in compress(count(), map(equal_signs.__contains__, edges)):
        edge = words[2 * place + 1]
        if words[2 * place + 2] in _NO_WORDS and edge.rstrip(_PADDING) == "=":
            words[2 * place + 2] = _SET
        elif words[2 * place] in _ACCOUNT_MEMBERS:
            if edge == "=":
                words[2 * place + 2] = _SET
            else:
                words[2 * place + 1] = f"={_SET}{edge[1:]}"


class _MaskedWords(dict[str, str]):
    """Words without a number and their masks, worked out when first asked for.

    Full, it forgets: that changes no result.
    """

    def __missing__(self, word: str) -> str:
        masked = _mask_word(word)
        if len(word) <= CACHED_WORD_CHARACTERS:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = masked
        return masked


_WORDS = _MaskedWords()
_ANY_DIGIT = re.compile("[0-9]")
_PARAMETER = re.compile(
    r"~?\.{0,2}/.|[A-Za-z]:\\|[a-z][a-z+.-]*+://|[^/\s]*+/[^/\s]*+/.|[^/.]*+\.[^/]*+/.|.+\.exe$", re.ASCII
)
_TOP_LEVEL_DOMAINS = frozenset(
    ("com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "arpa", "local", "lan", "internal", "localdomain")
)
_HEXADECIMAL_DIGITS = frozenset("abcdef")
_STATUS_CLASSES = frozenset(("1xx", "2xx", "3xx", "4xx", "5xx"))  # ours: a digit of the line itself is a 0 by now


def _mask_word(word: str) -> str:
    """Return the mask for a path, a URL, a host's name or an address, with its punctuation."""
    if word in _MONTHS:
        return word + _MONTH_MARK
    if word.isalpha():
        return _SET if len(word) >= 8 and _HEXADECIMAL_DIGITS.issuperset(word) else word
    core = word.rstrip(_PUNCTUATION)
    if word not in _STATUS_CLASSES and (_ANY_DIGIT.search(core) or _PARAMETER.match(core) or _is_host(core)):
        return _SET + word[len(core) :]
    return word


def _is_host(word: str) -> bool:
    if "@" in word:
        return 0 < word.index("@") < len(word) - 1
    name, dot, domain = word.partition(":")[0].rpartition(".")
    return bool(dot and name) and domain in _TOP_LEVEL_DOMAINS
