"""How a value is written, and what it looks like: a secret, or a word that only stands beside a secret's name."""

import re

# an opening quote, escaped as often as it is, and everything up to the same quote or, where a line was cut, its end
QUOTED = r"""(?P<quote>\\*["'`])(?P<quoted>(?:(?!(?<!\\)(?P=quote))[^\n])*+)"""
# punctuation belongs to an unquoted value unless something else begins behind it
PLAIN = (
    r"""(?P<plain>(?:[^\s,;&"'`<>|]"""
    r"""|[,;&|<>](?![\s,;&|<>"']|$|\\*["']?[\w.-]{1,40}\\*["']?[ \t]{0,3}[=:])"""
    r"""|["'`](?=[^\s,;:)\]}&|"'`<>=\\]))++)"""
)
VALUE = f"(?:{QUOTED}|{PLAIN})"
# one argument of a command
ARGUMENT = r"""(?:(?P<quote>\\*["'])(?P<quoted>(?:(?!(?P=quote))[^\n])*+)|(?P<secret>[^\s"'`]++))"""

_PLACEHOLDER = re.compile(
    r"\*+|[x.•-]{3,}|[?-]+|\$\{\w+\}|\$[A-Z_][A-Z0-9_]*|\$\(.*|\{\{.*|%\w?|%\(\w*\)\w"
    r"|[<\[({]{1,3}[a-z][a-z_ -]*[>\])}]{1,3}"
    r"|[<\[({]*(?:redacted|hidden|masked|filtered|removed|omitted|protected|your[_-][\w-]*)[>\])}]*",
    re.IGNORECASE,
)
_STATE_WORDS = (
    "yes no true false none null nil empty undefined on off set unset enabled disabled required optional missing"
    " present failed failure success ok okay error denied rejected refused invalid incorrect mismatch expired changed"
    " unchanged locked unlocked verified unknown unsupported unavailable timeout prompt prompted ask"
    " requested sent received accepted entered provided"
)
_STATES = frozenset(_STATE_WORDS.split())
# what follows a colon in a sentence; PAM's phases follow the name of a service: passwd:chauthtok
_PROSE_WORDS = (
    "fail successful wrong bad expires updated valid authentication authenticating auth account session chauthtok"
    " setcred file plain login interactive not is was has the for from to and or in of with must should cannot can"
    " could user username hash bearer basic default system string int bool object array bytes literal identifier eof"
)
_PROSE = frozenset(_PROSE_WORDS.split())
_PATH = re.compile(
    r"(?:/(?:bin|boot|data|dev|etc|home|lib|mnt|opt|proc|root|run|sbin|secrets|srv|sys|tmp|usr|var)/|\./|~/)\S*|/[a-z]*"
)
_ADDRESS_TIME_OR_HASH = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}\S*|[\dT:.,Z/+-]+|0x[\da-f]+|(?:sha\d+:)?[\da-f]{7,64}"
    r"|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}",
    re.IGNORECASE,
)
_OBJECT_ADDRESS = re.compile(r"0x[\da-fA-F]{1,16}")
_LABEL = re.compile(r"[a-z][a-z\d]*(?:-[a-z\d]+)+")
_NAME_IN_NAMESPACE = re.compile(r"[a-z][a-z.-]*/[a-z][a-z.-]*")


def is_placeholder(value: str) -> bool:
    """Tell whether it stands for a value, or tells a state: `***`, `${DB_PASS}`, `<hidden>`, `YES`, `0x7f3a`."""
    bare = value.strip("\"'()[]{}<>.,:;!").lower()
    return not bare or bare in _STATES or any(form.fullmatch(value) for form in (_PLACEHOLDER, _OBJECT_ADDRESS))


def is_prose(value: str) -> bool:
    """Tell whether it is a word of a sentence that goes on behind a secret's name."""
    return value.strip("()[].,:;!").lower() in _PROSE


def is_path(value: str) -> bool:
    """Tell whether it is where a secret lies."""
    return _PATH.fullmatch(value) is not None


def is_object_name(value: str) -> bool:
    """Tell whether it is `namespace/name` without a digit or a capital, as clusters name their secrets."""
    return _NAME_IN_NAMESPACE.fullmatch(value) is not None


def is_label(value: str) -> bool:
    """Tell whether it is written as clusters name objects: `default-token-x7f2b`."""
    return _LABEL.fullmatch(value) is not None


def looks_secret(value: str) -> bool:
    """Tell whether it would be held for a secret in a sentence: letters with digits or with special characters."""
    if len(value) < 6 or is_path(value) or _ADDRESS_TIME_OR_HASH.fullmatch(value):
        return False
    if not any(character.isalpha() for character in value):
        return False
    return any(character.isdigit() for character in value) or any(character in "!#$%^&*+?" for character in value)
