"""Values beside a name that says that they are secret: environment, unit files, ini, YAML, JSON, XML, directives."""

import re
from collections.abc import Callable, Sequence

from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Pattern, Redaction, secret_value
from dthostmon.redact.values import VALUE, is_label, is_object_name, is_path, is_placeholder, is_prose, looks_secret

# Ends of names; what stands before them does not matter, but for short words that end others (bypass, compass).
# Each begins with a set of characters, not with an ignored case or a look-behind, so that the search skips to those.
_PASSES_BEHIND = "db my sql ftp key ssl ssh user root http mail smtp bind auth ldap store admin proxy master require"
_BEFORE_PASS = tuple(_PASSES_BEHIND.split())
_KEYS_BEHIND = (
    "api access secret private signing encryption account shared master auth preshared session license deploy app"
    " application hmac jwt cipher storage service instrumentation"
)
_BEFORE_KEY = tuple(_KEYS_BEHIND.split())


def _alone_or_behind(word: str, words: Sequence[str]) -> str:
    return "|".join([f"(?<![a-z]{word})", *(f"(?<={before}{word})" for before in words)])


_PASSWORDS = (
    rf"[Pp](?i:ass(?:word|wd(?<!nopasswd)|wort|phrase|code|{_alone_or_behind('pass', _BEFORE_PASS)})"
    rf"|wd(?:{_alone_or_behind('pwd', _BEFORE_PASS)})|w(?:{_alone_or_behind('pw', _BEFORE_PASS)}))"
    r"(?i:[_-]?(?:value|plain(?:text)?|encrypted|hash|\d{1,2}))?"
)
_KEYS = (
    rf"[KkPp](?i:ey(?:{'|'.join(f'(?<={word}key)|(?<={word}[_. -]key)' for word in _BEFORE_KEY)})s?"
    r"|sk(?<=psk)(?<![a-z]psk))(?i:[_-]?(?:value|data|id|base|\d{1,2}))?"
)
_TOKENS = (
    r"[TtAaEe](?i:(?<=t)oken(?<!unexpected.token)(?:[_-]?(?:value|secret|\d{1,2}))?|(?<=a)uthtok"
    r"|(?<=e)rlang[_-]?cookie)"
)
_SECRETS = r"[SsCc](?i:(?<=s)ecret(?:[_-]?(?:value|id|string|\d{1,2}))?|(?<=c)redentials?)"
_WEAK = (
    r"[AaSsPpJjCcOoNn](?i:(?<=a)uth|(?<=s)ession[_-]?id|(?<=s)id(?<![a-z]sid)|(?<=p)hpsessid|(?<=j)sessionid"
    r"|(?<=a)sp\.net_sessionid|(?<=c)red(?<![a-z]cred)|(?<=o)tp(?<![a-z]otp)|(?<=n)once)"
)

_WEAK_HINTS = r"""auth= auth" auth' auth\ sid= sid" sessionid session_id session-id cred= otp= nonce="""

_CLOSE = r"""\\*["'\])]{0,2}"""
_EQUALS = rf"{_CLOSE}[ \t]{{0,3}}(?::=|=>|={{1,2}}|%3[Dd])[ \t]{{0,3}}"
_COLON = rf"{_CLOSE}[ \t]{{0,3}}:[ \t]{{0,8}}"
_LINE_START = re.compile(r"[ \t]*(?:-[ \t]+)?(?:export[ \t]+)?\\*[\"']?[\w.-]*$")
_ENDS_VALUE = re.compile(r"[.,;:)\]}>]*(?:\\*[\"'`]|[ \t]+#|,|;|\)|\]|\}|[ \t]*$|[ \t]*\n)")
_FEW_DIGITS = re.compile(r"\d{1,3}")
_UUID_OR_HEX_HASH = re.compile(
    r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32}|[\da-f]{40}|[\da-f]{64}|\d+", re.IGNORECASE
)


def is_secret(match: re.Match[str]) -> bool:
    """Tell whether the value is neither a placeholder, nor the place of a secret, nor a counter."""
    value = secret_value(match)
    return not (is_placeholder(value) or is_path(value) or is_object_name(value) or _counts(match, value))


def _counts(match: re.Match[str], value: str) -> bool:
    """`pass=2`, `token=5`, `UsingPassword="1"`: a counter or a flag. A password is longer."""
    return value in {"0", "1"} or (_FEW_DIGITS.fullmatch(value) is not None and not _is_quoted(match))


def _is_quoted(match: re.Match[str]) -> bool:
    return "quote" in match.re.groupindex and bool(match["quote"])


def _is_secret_after_colon(match: re.Match[str]) -> bool:
    """In prose a colon follows a name as well: the value must be quoted, look secret, or be all that follows."""
    if not is_secret(match):
        return False
    value = secret_value(match)
    return _is_quoted(match) or looks_secret(value) or (_is_last(match) and not is_prose(value))


def _is_setting_or_looks_secret(match: re.Match[str]) -> bool:
    """For names that are ordinary words too (secret, token): a lone word counts only where the name begins the line."""
    if not is_secret(match):
        return False
    value = secret_value(match)
    if _is_quoted(match) or (looks_secret(value) and not is_label(value)):
        return True
    line_start = match.string.rfind("\n", 0, match.start()) + 1
    begins = _LINE_START.match(match.string, max(line_start, match.start() - 80), match.start()) is not None
    return begins and match.start() - line_start <= 80 and _is_last(match)


def _is_last(match: re.Match[str]) -> bool:
    return _ENDS_VALUE.match(match.string, match.end()) is not None


def is_random(match: re.Match[str]) -> bool:
    """For names that often hold no secret: the value must be long, mixed, and neither a UUID, a hash nor a number."""
    value = secret_value(match)
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= 16 and mixed and not is_path(value) and _UUID_OR_HEX_HASH.fullmatch(value) is None


def _named(kind: Kind, hints: str, name: str, after_colon: Callable[[re.Match[str]], bool]) -> Sequence[Pattern]:
    words = tuple(hints.split())
    tag = rf"{name}(?:\s[^<>\n]{{0,80}})?>(?P<secret>[^<>\n]++)</"
    # NAME=VALUE in quotes: blanks belong to the value unless another name follows
    in_quotes = r"(?P<quoted>(?:(?!(?P=quote)|[ ,;&]\w+=)[^\n\\])++)(?P=quote)"
    whole = rf"(?P<quote>[\"'])[\w.-]{{0,40}}?{name}=(?![\"']){in_quotes}"
    return (
        Pattern(kind, words, re.compile(whole), is_secret),
        Pattern(kind, words, re.compile(f"{name}{_EQUALS}{VALUE}"), is_secret),
        Pattern(kind, words, re.compile(f"{name}{_COLON}{VALUE}"), after_colon),
        Pattern(kind, words, re.compile(tag), is_secret),
    )


ASSIGNMENTS: Sequence[Redaction] = (
    *_named(Kind.PASSWORD, "pass pwd pw", _PASSWORDS, _is_secret_after_colon),
    *_named(Kind.KEY, "key psk", _KEYS, _is_secret_after_colon),
    *_named(Kind.TOKEN, "token authtok cookie", _TOKENS, _is_setting_or_looks_secret),
    *_named(Kind.SECRET, "secret credential", _SECRETS, _is_setting_or_looks_secret),
    Pattern(
        Kind.TOKEN,
        tuple(_WEAK_HINTS.split()),
        re.compile(rf"{_WEAK}(?:{_EQUALS}|{_COLON}(?=\\*[\"'])){VALUE}"),
        is_random,
    ),
)
