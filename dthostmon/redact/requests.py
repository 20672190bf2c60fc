"""URLs and HTTP headers: passwords, query parameters, authorization, cookies."""

import base64
import binascii
import re
from collections.abc import Sequence

from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Part, Pattern, Redaction, secret_value
from dthostmon.redact.values import is_placeholder, looks_secret

_MOST_CREDENTIAL_CHARACTERS = 256
_PARAMETERS = (
    r"(?:[\w.-]{0,24}?(?:token|passw(?:or)?d|passphrase|secret)|api[_-]?key|access[_-]?key|[\w-]{0,12}?auth|key|sig"
    r"|signature|pass|pwd|pw|jwt|code|session(?:_?id|_?key)?|sid|phpsessid|jsessionid|credential"
    r"|x-(?:amz|goog)-(?:signature|credential)|hash|hmac|otp|pin)"
)
_OFTEN_HARMLESS = frozenset({"code", "hash", "pin", "sid", "session"})
_SCHEMES = (
    r"(?:basic|bearer|token|negotiate|ntlm|apikey|api-key|geniekey|ssws|splunk|key|digest|oauth|hawk|mac|signature"
    r"|hmac-sha256|aws4-hmac-sha256|aws|sharedkey|sharedaccesssignature|credential)"
)
_OPEN = r"""\\*["']?"""
_PARAMETER_LIST = r"""(?:[\w-]{1,40}=(?:\\*"[^"\n]*+"?|[^\s,"'&]++)(?:[,&][ \t]*+|[ \t]++(?=[\w-]{1,40}=))?)++"""


def _is_parameter_secret(match: re.Match[str]) -> bool:
    value = match["secret"]
    if match["name"].lower() in _OFTEN_HARMLESS:
        return len(value) >= 16 and looks_secret(value)
    return not is_placeholder(value)


def _is_basic(match: re.Match[str]) -> bool:
    """`basic` is a word as well: what follows must decode to `user:password`."""
    text = match["secret"].rstrip("=")
    try:
        decoded = base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except binascii.Error:
        return False
    return b":" in decoded and decoded[: decoded.index(b":") + 1].isascii()


def _is_bearer(match: re.Match[str]) -> bool:
    value = secret_value(match)
    return looks_secret(value) or (len(value) >= 20 and value.lower() != value)


def _is_header_secret(match: re.Match[str]) -> bool:
    value = secret_value(match)
    return not is_placeholder(value) and (match["scheme"] is not None or looks_secret(value))


def _is_login(match: re.Match[str]) -> bool:
    return not is_placeholder(match["secret"])


AUTHORIZATION: Sequence[Redaction] = (
    Pattern(
        Kind.CREDENTIALS,
        ("authorization",),
        re.compile(
            rf"authorization{_OPEN}\]?[ \t]{{0,3}}(?:[:=]|=>|,)[ \t]{{0,3}}{_OPEN}\[?{_OPEN}"
            rf"(?P<scheme>{_SCHEMES}[ \t]{{1,3}})?"
            rf"(?P<secret>{_PARAMETER_LIST}|[^\s\"'\\,;]++)",
            re.IGNORECASE,
        ),
        _is_header_secret,
    ),
    Pattern(
        Kind.CREDENTIALS,
        ("digest",),
        re.compile(rf"\bdigest[ \t]{{1,3}}(?P<secret>(?=username=){_PARAMETER_LIST})", re.IGNORECASE),
    ),
    Pattern(
        Kind.CREDENTIALS,
        ("basic",),
        re.compile(r"\bbasic[ \t:]{1,3}(?P<secret>[A-Za-z0-9+/]{6,}+={0,2})", re.IGNORECASE),
        _is_basic,
    ),
    Pattern(
        Kind.TOKEN,
        ("bearer",),
        re.compile(r"\bbearer[ \t:]{1,3}(?P<plain>[\w.~+/-]{8,}+={0,2})(?![\w=])", re.IGNORECASE),
        _is_bearer,
    ),
    Pattern(Kind.CREDENTIALS, ("auth ",), re.compile(r"\bAUTH (?:PLAIN|LOGIN)[ ](?P<secret>[A-Za-z0-9+/]{8,}+={0,2})")),
)

_COOKIE_ATTRIBUTES = r"(?:path|domain|expires|max-age|samesite|version|priority|comment)="
_COOKIE_LIST = (
    r"""(?:[\w.%-]{1,80}+=[^\s;"'\\]*+"""
    r"""(?:;[ \t]*+(?:(?:expires=[^;\n"'\\]*+|secure|httponly|partitioned)(?:;[ \t]*+|$|(?=["'\s\\])))*+)?)++"""
)

COOKIES: Sequence[Redaction] = (
    Part(
        ("cookie",),
        re.compile(
            rf"cookies?{_OPEN}\]?[ \t]{{0,3}}(?::|=>|=(?=\\*[\"']))[ \t]{{0,3}}\[?{_OPEN}{_COOKIE_LIST}", re.IGNORECASE
        ),
        (
            Pattern(
                Kind.COOKIE,
                (),
                re.compile(
                    rf"(?<=[\s;:=\"'\[>])(?!{_COOKIE_ATTRIBUTES}|cookies?=)[\w.%-]{{1,80}}+="
                    r"(?P<secret>[^\s;\"'=][^\s;\"']*+)",
                    re.IGNORECASE,
                ),
            ),
        ),
    ),
)

URLS: Sequence[Redaction] = (
    Pattern(
        Kind.PASSWORD,
        ("://",),
        re.compile(r"://[^\s/@:\"'<>]{0,256}+:(?P<secret>[^\s/\"'<>?#]{1,256})@"),
        _is_login,
    ),
    # a password with a slash in it, but not a port and a path
    Pattern(
        Kind.PASSWORD,
        ("://",),
        re.compile(r"://[^\s/@:\"'<>]{0,256}+:(?!\d{1,5}[/?#])(?P<secret>[^\s\"'<>@]{1,256}+)@"),
        _is_login,
    ),
    Pattern(
        Kind.TOKEN,
        ("://",),
        re.compile(r"://(?P<secret>[A-Za-z0-9_-]{20,256}+)@"),
        lambda match: looks_secret(match["secret"]),
    ),
    Pattern(
        Kind.PASSWORD,
        ("%3a%2f%2f",),
        re.compile(r"%3a%2f%2f[\w.+-]{0,64}%3a(?P<secret>(?:(?!%40)[^\s&\"'<>@]){1,256}+)(?:%40|@)", re.IGNORECASE),
    ),
    Pattern(Kind.PASSWORD, ("jdbc:oracle:",), re.compile(r"jdbc:oracle:\w{1,8}:\w{1,64}+/(?P<secret>[^\s@\"']++)@")),
    # the DSNs of Go, and proxies without a scheme
    Pattern(
        Kind.PASSWORD,
        ("@tcp(", "@unix(", "@("),
        re.compile(r"(?<![\w.-])[\w.-]{1,64}+:(?P<secret>[^\s/\"']{1,128})@(?:tcp|unix)?\("),
    ),
    Pattern(
        Kind.PASSWORD,
        ("@",),
        re.compile(
            r"(?<![\w./@-])(?!(?:mailto|sips?|xmpp|acct|imap|smtp|user|login|to|from):)"
            r"[A-Za-z_][\w.-]{0,63}+:(?P<secret>[^\s/:@\"'<>]{3,128}+)@[A-Za-z0-9][\w.-]{0,253}+:\d{2,5}(?!\d)",
            re.IGNORECASE,
        ),
        lambda match: looks_secret(match["secret"]),
    ),
    Pattern(
        Kind.SECRET,
        ("?", "&", "%26", "%3f"),
        re.compile(rf"(?:[?&]|%26|%3f)(?P<name>{_PARAMETERS})(?:=|%3d)(?P<secret>[^\s&\"'<>#]++)", re.IGNORECASE),
        _is_parameter_secret,
    ),
)
