"""Words for how grave a line is, as syslog severities: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice,
6 information, 7 debug.
"""

import re

DEBUG, INFORMATION, NOTICE, WARNING, ERROR, CRITICAL, ALERT, EMERGENCY = 7, 6, 5, 4, 3, 2, 1, 0

_WORDS = {
    **dict.fromkeys(("emerg", "emergency", "panic"), EMERGENCY),
    "alert": ALERT,
    **dict.fromkeys(("crit", "critical", "fatal"), CRITICAL),
    **dict.fromkeys(("err", "error", "severe", "failure"), ERROR),
    **dict.fromkeys(("warn", "warning"), WARNING),
    **dict.fromkeys(("notice", "note", "system"), NOTICE),
    **dict.fromkeys(("info", "information", "informational", "config"), INFORMATION),
    **dict.fromkeys(("debug", "trace", "verbose", "fine", "finer", "finest"), DEBUG),
}
# what PostgreSQL itself tells syslog of its words: a client's ERROR is the client's trouble first
POSTGRESQL = {
    "PANIC": CRITICAL,
    "FATAL": ERROR,
    "ERROR": WARNING,
    "WARNING": NOTICE,
    "NOTICE": NOTICE,
    "LOG": INFORMATION,
    "INFO": INFORMATION,
}
LETTERS = {"V": DEBUG, "D": DEBUG, "I": INFORMATION, "W": WARNING, "E": ERROR, "F": CRITICAL, "C": CRITICAL}
# names as they stand in a line: upper case or as a title, so that prose ("an error") is no level
LEVEL = (
    r"(?:TRACE|DEBUG|FINE(?:R|ST)?|VERBOSE|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?|FATAL|ALERT|EMERG"
    r"|Info|Notice|Warning|Warn|Error|Debug|Trace|Critical|Fatal|Note|System|info|notice|warn(?:ing)?|error|debug|crit"
    r"|alert|emerg|trace)"
)
_CAPITALS = r"(?:EMERG(?:ENCY)?|PANIC|ALERT|CRIT(?:ICAL)?|FATAL|SEVERE|ERR(?:OR)?|WARN(?:ING)?|NOTICE|INFO|DEBUG|TRACE)"
# the first word where nothing else may be meant: in brackets, or in capitals; "Error count 0" is prose
_LEADING_LEVEL = re.compile(
    rf"[\[<(](?:{_CAPITALS}|{LEVEL}) *[\])>]|{_CAPITALS}(?=[:\[ ]|$)",
    re.ASCII,
)
# a word that is not in capitals, with another word behind it, is prose
_FIRST_LEVEL = re.compile(
    rf"(?:[\[<|(]|^|(?<=[ |\]]))(?:{_CAPITALS}|(?![A-Z]?[a-z]+ (?![ |\])>-])){LEVEL})(?=\d*[ \])>|:,]|$)", re.ASCII
)
_WORD = re.compile(r"[A-Za-z]+")
MAX_PRIORITY = 191
LOOKED_AT = 80  # characters: a level stands near the beginning, what stands further on is prose


def level_of(word: str) -> int | None:
    """Return the severity of a word such as 'warn' or 'ERROR', None where it is none."""
    found = _WORD.match(word)
    return _WORDS.get(found[0].lower()) if found else None


def leading_level(message: str) -> int | None:
    """Return the severity that a message begins with, beyond doubt: 'FATAL: …', 'ERROR …', '[error] …'."""
    found = _LEADING_LEVEL.match(message)
    return level_of(found[0].lstrip("[<(")) if found else None


def level_of_priority(number: str) -> int | None:
    """Return the severity in the number of <PRI>, None where syslog has no such number."""
    return int(number) & 7 if len(number) <= 3 and int(number) <= MAX_PRIORITY else None


def first_level(message: str) -> int | None:
    """Return the severity of the first level that the beginning of a message names: 'INFO [main] …', '[error] …'."""
    found = _FIRST_LEVEL.search(message, 0, LOOKED_AT)
    return level_of(found[0].lstrip("[<|(")) if found else None
