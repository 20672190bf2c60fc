"""A password typed where the name of the user was asked for.

Who logs in too fast types the password as the name, and the system logs it as an unknown user. The name of a user that
is *not known to the host* is taken out when it does not look like a name. It looks like one when all of this holds:

- it begins with a letter or `_`, holds nothing but letters, digits and `.`, `_`, `-` (and a last `$`), at most 32 of
  them; a domain may stand before it (`CORP\\alice`) or behind it (`alice@example.com`);
- it does not mix capitals and small letters and digits (`Sommer2024`);
- digits stand only at the end of its words, at most 4 in all (`web01`, `user1234`), or it begins with the name of a
  product that has one inside (`db2inst1`).

A lower-case word is let through: `hunter2` and `ubuntu1` cannot be told apart, and the names that attackers try are
what a judge must see. Names of users that exist are never touched.
"""

import re
from collections.abc import Sequence

from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Pattern, Redaction

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,31}\$?")
_DIGIT_INSIDE_A_WORD = re.compile(r"\d[A-Za-z]")
_PRODUCT = re.compile(r"(?:db2|k[38]s|ec2|x2go|n8n|s3)(?:[._-].*|user|inst\d*|admin)?", re.IGNORECASE)
_DOMAIN = re.compile(r"[A-Za-z][\w.-]*\\|@[\w-]+(?:\.[\w-]+)*$")
_MOST_DIGITS = 4
# What sshd says behind the name: from where, or that nobody is logged in yet. The first address ends a name; where no
# address stands (an old sshd looks names up), the last " from " does.
_ADDRESS = r"(?:[\d.]{7,15}|[\da-fA-F:]{2,39}(?:[\d.]{7,15})?|[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|UNKNOWN)(?![\w.:-])"
_TRIED_NAME = (
    rf"[ \t]*(?:(?P<secret>\S[^\n]{{0,255}}?(?=[ \t]from[ \t]{_ADDRESS}|[ \t]+{_ADDRESS}[ \t]port[ \t])"
    r"|\S[^\n]{0,255}(?=[ \t]+from[ \t]+\S)|\S[^\n]{0,255}?(?=[ \t]\[preauth\])|\S{1,256}(?=[ \t]*(?:$|\n))))"
)


def looks_like_a_user_name(name: str) -> bool:
    """Apply the rule above."""
    bare = _DOMAIN.sub("", name)
    if _NAME.fullmatch(bare) is None:
        return False
    if _PRODUCT.fullmatch(bare):
        return True
    digits = sum(map(str.isdigit, bare))
    if digits and bare != bare.lower() and bare != bare.upper():
        return False
    return digits <= _MOST_DIGITS and _DIGIT_INSIDE_A_WORD.search(bare) is None


def _is_no_name(match: re.Match[str]) -> bool:
    return not looks_like_a_user_name(match["secret"])


def _unknown(hints: str, expression: str) -> Pattern:
    return Pattern(Kind.USER_NAME, tuple(hints.split("|")), re.compile(expression), _is_no_name)


ACCOUNTS: Sequence[Redaction] = (
    _unknown("invalid user |illegal user ", rf"[Ii](?:nvalid|llegal) user {_TRIED_NAME}"),
    _unknown("bad username [", r"bad username \[(?P<secret>[^\n]{1,256})\]"),
    _unknown("retrieving information about user ", r"retrieving information about user (?P<secret>[^\n]{1,256}+)"),
    _unknown("requirement ", r"not met by user \"(?P<secret>[^\"\n]{1,256}+)\""),
    _unknown("user not known", r"received for user (?P<secret>[^\n]{1,256}?): \d+ \(User not known"),
    _unknown("no such user", r"\b(?i:user) (?P<secret>[^\n]{1,256}?): no such user"),
    _unknown(
        "failed login",
        r"FAILED LOGIN \(?\d+\)? (?:on|from) '?[\w/.:-]{1,64}'? FOR '?(?P<secret>[^\n]{1,128}?)'?(?=,)",
    ),
    _unknown("does not exist", r"\b(?i:user|account) [\"'](?P<secret>[^\"'\n]{1,256}+)[\"'] does not exist"),
)
