"""Secrets that are known by their own shape, as their issuers document it, wherever they stand."""

import re
from collections.abc import Sequence

from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Pattern, Redaction

_BASE64_LINE_LENGTHS = {64, 70, 76}  # of PEM, of OpenSSH's keys, of MIME
_MOST_SLASHES = 5  # one character of base64 in 64 is one; a path has more


def _shape(kind: Kind, hints: str, expression: str, before: str = r"(?<![A-Za-z0-9])") -> Pattern:
    return Pattern(kind, tuple(hints.split()), re.compile(f"{before}(?P<secret>{expression})"))


def _is_base64_line(match: re.Match[str]) -> bool:
    text = match["secret"]
    if len(text) not in _BASE64_LINE_LENGTHS or text.count("/") > _MOST_SLASHES:
        return False
    return all(any(map(test, text)) for test in (str.islower, str.isupper, str.isdigit))


def _is_mixed(match: re.Match[str]) -> bool:
    text = match["secret"]
    if text.count("/") > _MOST_SLASHES:
        return False
    return text.endswith("=") or all(any(map(test, text)) for test in (str.islower, str.isupper, str.isdigit))


class LoneBase64:
    """A line of a key of which no other line is in the text: nothing else is that long and looks like it."""

    hints: Sequence[str] = ()
    _pattern = Pattern(
        Kind.PRIVATE_KEY,
        (),
        re.compile(r"(?<![^\s\"'])(?P<secret>[A-Za-z0-9+/]{64,76}+)(?=\s*$|\n|[\"'])"),
        _is_base64_line,
    )

    def apply(self, text: str) -> str:
        long_words = max(map(len, text.split()), default=0) >= min(_BASE64_LINE_LENGTHS)
        return self._pattern.apply(text) if long_words else text


_PEM_GAP = r"(?:\s|\\+[nr]|[\"'+,|>])"
_PEM_LINE = r"(?:[A-Za-z0-9+/=]{16,}+|(?:Proc-Type|DEK-Info|Version|Comment|Hash)[^\n\\]{1,100}+)"

PRIVATE_KEYS: Sequence[Redaction] = (
    Pattern(
        Kind.PRIVATE_KEY,
        ("private key",),
        re.compile(
            r"(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:{_PEM_GAP}|{_PEM_LINE})*+(?:[A-Za-z0-9+/=]{{1,15}}(?=\s*$|\\*[\"'\\]|\s*-----|\n))?"
            rf"{_PEM_GAP}*+(?:-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----)?)"
        ),
    ),
    Pattern(
        Kind.PRIVATE_KEY,
        ("private key",),
        re.compile(
            rf"(?<![A-Za-z0-9+/=])(?P<secret>(?:[A-Za-z0-9+/=]{{4,}}+{_PEM_GAP}++)++"
            r"(?P<end>-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?)"
        ),
        lambda match: match["end"] is not None,
    ),
    _shape(
        Kind.PRIVATE_KEY,
        "b3blbnnzac1r",
        r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]*+(?:(?:\s|\\n)++[A-Za-z0-9+/=]{16,}+)*",
    ),
    _shape(Kind.PRIVATE_KEY, "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}+"),
    Pattern(
        Kind.PRIVATE_KEY,
        ("private-lines:",),
        re.compile(
            r"Private-Lines: \d+(?:\s|\\[nr])++(?P<secret>[A-Za-z0-9+/=]++(?:(?:\s|\\[nr])++[A-Za-z0-9+/=]{16,}+)*)"
        ),
    ),
    LoneBase64(),
    # a key that was logged line by line: its last line is short, and is the whole of what a program said
    Pattern(
        Kind.PRIVATE_KEY,
        (),
        re.compile(r"\A(?:[^\s:]{1,64}: )?(?P<secret>[A-Za-z0-9+/]{16,76}+={0,2}|[A-Za-z0-9+/]{6,76}+={1,2})\Z"),
        _is_mixed,
    ),
)

TOKENS: Sequence[Redaction] = (
    _shape(
        Kind.KEY,
        "akia asia abia acca",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}+(?:[\s,:;|\"'/]{1,5}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?",
    ),
    _shape(Kind.KEY, "aiza", r"AIza[\w-]{30,}+"),
    _shape(Kind.TOKEN, "ya29. gocspx- 1//", r"(?:ya29\.|GOCSPX-|1//0)[\w-]{20,}+"),
    _shape(Kind.SECRET, "q~", r"[\w.~-]{3}\dQ~[\w.~-]{28,}+", r"(?<![\w.~-])"),
    _shape(Kind.TOKEN, "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{20,}+"),
    _shape(Kind.TOKEN, "github_pat_", r"github_pat_\w{20,}+"),
    _shape(Kind.TOKEN, "gl", r"gl(?:pat|dt|oas|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[\w.-]{16,}+"),
    _shape(Kind.TOKEN, "xox xapp-", r"(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[\w-]{10,}+"),
    _shape(Kind.TOKEN, "hooks.slack.com", r"(?:services|workflows|triggers)/[\w/-]{10,}+", r"(?<=hooks\.slack\.com/)"),
    _shape(Kind.TOKEN, "/api/webhooks/", r"[\w-]{20,}+", r"/api/webhooks/\d{5,25}/"),
    _shape(Kind.TOKEN, ":aa", r"\d{6,12}:AA[\w-]{28,}+", r"(?<!\d)"),
    _shape(Kind.KEY, "k_live_ k_test_", r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,}+"),
    _shape(Kind.SECRET, "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}+"),
    _shape(Kind.KEY, "sk-", r"sk-(?=[\w-]*[0-9A-Z])[\w-]{20,}+", r"(?<![\w-])"),
    _shape(Kind.KEY, "xai- gsk_ pplx- r8_", r"(?:xai-|gsk_|pplx-|r8_)[A-Za-z0-9]{20,}+"),
    _shape(Kind.TOKEN, "npm_ hf_", r"(?:npm|hf)_[A-Za-z0-9]{20,}+"),
    _shape(Kind.TOKEN, "pypi-ag", r"pypi-Ag[\w-]{16,}+"),
    _shape(Kind.KEY, "sg.", r"SG\.[\w-]{16,}+(?:\.[\w-]++)?"),
    _shape(Kind.KEY, "sk ac", r"(?:SK|AC)[0-9a-f]{32}(?![0-9A-Za-z])"),
    _shape(Kind.KEY, "key-", r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    _shape(Kind.KEY, "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _shape(Kind.TOKEN, ".", r"[MNO](?<![\w.-][MNO])[\w-]{23,27}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])", ""),
    _shape(Kind.TOKEN, "_v1_", r"do[opr]_v1_[0-9a-f]{20,}+"),
    _shape(Kind.TOKEN, "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{20,}+"),
    _shape(Kind.TOKEN, "dckr_", r"dckr_(?:pat|oat)_[\w-]{16,}+"),
    _shape(
        Kind.TOKEN,
        "atatt3 atctt3 atbb tskey- glsa_ glc_ nrak- pmak- rubygems_ sntry shpat_ shpss_ shpca_ sbp_ figd_ dapi"
        " lin_api_",
        r"(?:AT[AC]TT3|ATBB|tskey-|glsa_|glc_|NRAK-|PMAK-|rubygems_|sntry[su]_|shp(?:at|ss|ca)_|sbp_|figd_|lin_api_"
        r"|dapi(?=[0-9a-f]{32}))[\w=-]{20,}+",
    ),
    _shape(Kind.TOKEN, "eyj", r"eyJ[\w-]{16,}+(?:\.[\w-]*+){0,4}", r"(?<![\w-])"),
)

HASHES: Sequence[Redaction] = (
    _shape(
        Kind.HASH,
        "$",
        r"\$(?:1|2[abxy]?|5|6|7|y|gy|md5|sha1|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,12}|P|H|S)\$[./\w=,$+-]{13,}+",
        r"(?<![\w$])",
    ),
    _shape(Kind.HASH, "pbkdf2_ bcrypt_sha256$ argon2$", r"(?:pbkdf2_sha\d+|bcrypt_sha256|argon2)\$[./\w=,$+-]{16,}+"),
    _shape(Kind.HASH, "scram-sha-", r"SCRAM-SHA-\d{1,3}\$\d+:[A-Za-z0-9+/=$:]{16,}+"),
    _shape(
        Kind.HASH,
        "sha} sha256} sha384} sha512} md5} crypt}",
        r"\{(?:S?SHA(?:256|384|512)?|(?:S|CRAM-)?MD5|CRYPT)\}[^\s\"',;]{8,}+",
        "",
    ),
    _shape(Kind.HASH, "*", r"\*[0-9A-F]{40}(?![0-9A-Za-z])", r"(?<![\w*])"),
    _shape(Kind.HASH, ":::", r"[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}(?=:::)"),
)
