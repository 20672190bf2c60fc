"""Secrets behind a name with a blank or words between: directives, SQL, sentences, pairs of a name and a value."""

import re
from collections.abc import Sequence

from dthostmon.redact.assignments import is_random, is_secret
from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Pattern, Redaction, secret_value
from dthostmon.redact.values import QUOTED, VALUE, is_prose, looks_secret

_DIRECTIVES = (
    "requirepass masterauth rootpw bindpw auth_pass ldap_default_authtok aws_secret_access_key _authtoken rocommunity"
    " rwcommunity trapcommunity"
)
_WORDS = "|".join(_DIRECTIVES.split())
_SECRETS_NAMED = r"[\w.-]{0,48}(?:pass(?:word|wd|phrase)?|secret|token|key|salt|credentials?)"
_IS = r"(?:(?:is|was|to|of|set to|changed to)[ \t]{1,4})"


def _is_no_prose(match: re.Match[str]) -> bool:
    return is_secret(match) and not is_prose(secret_value(match))


def _is_word_of_secret(match: re.Match[str]) -> bool:
    return is_secret(match) and looks_secret(secret_value(match).rstrip("?!)")) and "=" not in match[0]


def _is_mixed(match: re.Match[str]) -> bool:
    """A name that a machine gave has no capitals, one that people gave no digits."""
    value = secret_value(match)
    return is_random(match) and any(map(str.islower, value)) and any(map(str.isupper, value))


PHRASES: Sequence[Redaction] = (
    Pattern(
        Kind.PASSWORD,
        tuple(_DIRECTIVES.split()),
        re.compile(rf"(?<![A-Za-z0-9])(?i:{_WORDS})\\*[\"']?[ \t]{{1,8}}{VALUE}"),
        _is_no_prose,
    ),
    # what csh and fish write for NAME=value
    Pattern(
        Kind.SECRET,
        ("setenv", "set -"),
        re.compile(
            rf"\bset(?:env|(?:[ \t]{{1,4}}-[A-Za-z]{{1,4}}){{1,3}})[ \t]{{1,4}}{_SECRETS_NAMED}[ \t]{{1,4}}{VALUE}",
            re.IGNORECASE,
        ),
        is_secret,
    ),
    Pattern(Kind.KEY, (".psk",), re.compile(rf"\.psk[ \t]{{1,8}}{VALUE}"), is_secret),
    Pattern(
        Kind.PASSWORD,
        ("identified",),
        re.compile(
            rf"identified[ \t]+(?:with[ \t]+\S{{1,64}}[ \t]+)?(?:by|as)(?:[ \t]+password)?[ \t]{{1,8}}{QUOTED}",
            re.IGNORECASE,
        ),
        is_secret,
    ),
    Pattern(
        Kind.PASSWORD,
        ("pass",),
        re.compile(
            r"[Pp](?i:assword|assphrase|ass)(?:(?<=[a-z]Password)|(?<![\w-](?i:password))(?<![\w-](?i:passphrase))"
            rf"(?<![\w-](?i:pass)))(?:\(|[ \t]{{1,4}}(?:{_IS}|=[ \t]{{1,4}})?){QUOTED}(?P=quote)"
        ),
        is_secret,
    ),
    Pattern(
        Kind.PASSWORD,
        ("password", "passphrase"),
        re.compile(
            r"[Pp](?i:asswords?|assphrase)(?<![\w-](?i:password))(?<![\w-](?i:passwords))(?<![\w-](?i:passphrase))"
            rf"[ \t]{{1,4}}(?:(?:for|of)[ \t]{{1,4}}\S{{1,64}}[ \t]{{1,4}}(?={_IS}))?{_IS}?(?P<plain>[^\s\"'`]++)"
        ),
        _is_word_of_secret,
    ),
    Pattern(
        Kind.PASSWORD,
        ("temporary", "initial", "generated", "default"),
        re.compile(
            r"(?:temporary|initial|generated|default) password[^:\n]{0,80}:[ \t]{0,4}(?P<secret>\S++)", re.IGNORECASE
        ),
        _is_no_prose,
    ),
    Pattern(
        Kind.TOKEN,
        ("token ", "secret ", "key "),
        re.compile(r"(?:[Tt]oken|[Ss]ecret|[Kk]ey)[ \t](?P<plain>[A-Za-z0-9_]{16,}+)(?![\w.-])"),
        _is_mixed,
    ),
    # netrc
    Pattern(
        Kind.PASSWORD,
        ("login",),
        re.compile(
            r"\blogin[ \t]++(?!(?:by|with|via|using|and|or)\b)\S++[ \t]++password[ \t]++(?P<secret>\S++)", re.IGNORECASE
        ),
        _is_no_prose,
    ),
    # honeypots: [user/password]
    Pattern(
        Kind.PASSWORD,
        ("login attempt [",),
        re.compile(r"login attempt \[(?:b')?[^\]/\n]{0,64}+/(?:b')?(?P<secret>[^\]\n']{1,128}+)", re.IGNORECASE),
    ),
    Pattern(Kind.PASSWORD, ('"pass ',), re.compile(r'"PASS (?P<secret>[^"\n]++)'), is_secret),
    # pairs: define('DB_PASSWORD', 'x'), {"name": "DB_PASSWORD", "value": "x"}, the same in YAML
    Pattern(
        Kind.SECRET,
        ("define(",),
        re.compile(rf"define\([ \t]{{0,3}}[\"']{_SECRETS_NAMED}[\"'],[ \t]{{0,3}}{QUOTED}", re.IGNORECASE),
        is_secret,
    ),
    Pattern(
        Kind.SECRET,
        ("value",),
        re.compile(
            rf"name\\*[\"']?:\s{{0,3}}\\*[\"']?{_SECRETS_NAMED}\\*[\"']?"
            rf"[\s,]{{1,40}}+\\*[\"']?value\\*[\"']?:[ \t]{{0,3}}{VALUE}",
            re.IGNORECASE,
        ),
        is_secret,
    ),
    # lists of leaked logins: the address itself goes as an e-mail address
    Pattern(
        Kind.PASSWORD,
        ("@",),
        re.compile(r"(?<=\w)@[\w-]++(?:\.[\w-]++)++:(?P<plain>[^\s/:\"',]{6,}+)(?![/:])"),
        lambda match: looks_secret(secret_value(match)),
    ),
)
