"""Secrets among the arguments of commands, as shells, sudo, cron, audit and unit files log them."""

import re
from collections.abc import Callable, Sequence

from dthostmon.redact.marks import Kind, is_marked, symbol
from dthostmon.redact.pattern import Part, Pattern, Redaction, secret_value
from dthostmon.redact.values import ARGUMENT, is_path, is_placeholder

# up to the end of the command; what is quoted does not end it
_ARGUMENTS = r"""(?:'[^'\n]*+'|"[^"\n]*+"|[^|;&\n'"])*+"""
# between an option and its value: a blank, or the quotes of audit's a1="-p" a2="x" and of ["-p", "x"]
_GAP = r"""(?:[ \t]{1,8}|\\*["'][ \t]{0,3}(?:,|a\d{1,3}=)[ \t]{0,3}(?=\\*["']))"""
_BEFORE_OPTION = r"""(?<=[\s"'])"""
_LONG_NAMES = (
    r"(?:password|passwd|passphrase|pass|pwd|token|secret|api-?key|access-?key|secret-?key|private-?key|auth|auth-?key"
    r"|credentials?|psk|requirepass|masterauth)"
)
_PROSE = "to is or and option options flag instead not was on for in the with given without argument via from a an"
_NO_VALUES = frozenset(_PROSE.split())


def _is_argument(match: re.Match[str]) -> bool:
    value = secret_value(match)
    if value.startswith("-") and match["quote"] is None:
        return False
    return not (is_placeholder(value) or is_path(value) or value.lower() in _NO_VALUES)


def _option(kind: Kind, flags: str, gap: str) -> Pattern:
    return Pattern(kind, (), re.compile(f"{_BEFORE_OPTION}(?:{flags}){gap}{ARGUMENT}"), _is_argument)


def _command(names: str, *steps: Redaction, hints: str = "", subcommand: str = "") -> Part:
    """`names` are separated by blanks, `*` stands for any ending. Short names need `hints` of another kind."""
    words = tuple(names.split())
    found_by = tuple(hints.split()) or tuple(word.rstrip("*") for word in words)
    one_of = "|".join(re.escape(word).replace(r"\*", r"[\w-]{0,16}") for word in words)
    needed = rf"(?=[^|;&\n]{{0,80}}?[ \t\"',]{subcommand}(?![\w-]))" if subcommand else ""
    return Part(found_by, re.compile(rf"(?<![\w.-])(?:{one_of})(?![\w-]){needed}{_ARGUMENTS}"), steps)


def _attached(flags: str) -> Pattern:
    return _option(Kind.PASSWORD, flags, "")


def _separate(flags: str) -> Pattern:
    return _option(Kind.PASSWORD, flags, _GAP)


def _either(flags: str) -> Pattern:
    return _option(Kind.PASSWORD, flags, f"(?:{_GAP}|=)?")


def _after_separator(flags: str, separator: str) -> Pattern:
    """The second half of an argument: `-u user:password`."""
    expression = (
        rf"{_BEFORE_OPTION}(?:{flags})(?:{_GAP}|=)?(?P<quote>\\*[\"'])?(?P<user>[^\s:%,\"']{{0,128}}+){separator}"
        r"(?P<secret>(?(quote)(?:(?!(?P=quote))[^\n])++|[^\s\"'`]++))"
    )
    return Pattern(Kind.PASSWORD, (), re.compile(expression), lambda match: not is_placeholder(match["secret"]))


def _last_of(words: str) -> Pattern:
    """The last argument, behind as many as `words` matches."""
    return Pattern(Kind.PASSWORD, (), re.compile(rf"{words}[ \t]+{ARGUMENT}"), _is_argument)


_WORD = r"[ \t]+(?:\"[^\"\n]*+\"|'[^'\n]*+'|[^\s\"']++)"
# with -n no file stands before the name
_HTPASSWD = (
    r"htpasswd(?=[^\n]{0,40}?[ \t]-[A-Za-z]*b)(?:(?=[^\n]{0,40}?[ \t]-[A-Za-z]*n)(?:[ \t]+-[A-Za-z]+(?:[ \t]+\d+)?)+"
    rf"|(?:[ \t]+-[A-Za-z]+(?:[ \t]+\d+)?)+{_WORD}){_WORD}"
)

COMMANDS: Sequence[Redaction] = (
    _command(
        "mysql* mariadb* mydumper myloader mycli xtrabackup innobackupex percona* pt-*",
        _attached("-p(?!assword|rotocol|ort|lugin|rint)"),
    ),
    _command("sshpass mongo* cqlsh rdesktop ncftp* curlftpfs influx* neo4j* cypher-shell", _either("-p(?!assword)")),
    _command(
        "docker podman buildah skopeo nerdctl crane oras helm az oc cf",
        _either("-p(?!assword)"),
        hints="login",
        subcommand="login",
    ),
    _command("ldap*", _either("-w"), _separate("-[sa]")),
    _command("redis-cli valkey-cli keydb-cli", _separate("-a|AUTH|auth|requirepass|masterauth"), _separate("--pass")),
    _command("zip unzip zipcloak ipmitool sqlcmd bcp tsql", _either("-P")),
    _command("7z* 7za rar unrar", _attached("-p")),
    _command("snmp*", _separate("-[AXc]")),
    _command(
        "curl wget http https httpie xh aria2c lftp ab",
        _after_separator("-u|-U|-a|--user|--proxy-user|--auth", "[:,]"),
        _option(Kind.COOKIE, "-b|--cookie", f"(?:{_GAP}|=)?(?=\\\\*[\"']?[\\w.%-]{{1,80}}=)"),
        hints="-u -a --user --proxy-user --auth -b --cookie",
    ),
    _command("smb* rpcclient net mount* winexe wmic", _after_separator("-U|--user", "%"), hints="%"),
    _command("htpasswd", _last_of(_HTPASSWD)),
    _command("rabbitmqctl", _last_of(rf"(?:add_user|change_password|authenticate_user){_WORD}")),
    _command("wpa_passphrase", _last_of(rf"wpa_passphrase{_WORD}")),
    _command("openssl", _separate("-[kK]"), _last_of(r"passwd(?:[ \t]+-\w+)*")),
    _command("swaks", _separate("-ap|--auth-password")),
    _command("plink pscp psftp putty", _separate("-pw")),
    _command("mysqladmin mariadb-admin", _separate("password"), hints="password"),
    _command("nmcli", _separate("password")),
    _command(
        "rclone", _separate(r"(?:\w{1,24}_)?(?:pass|password|secret|token|key)(?:_\w{1,24})?"), subcommand="config"
    ),
    _command("mc mcli", _last_of(rf"alias[ \t]+set{_WORD * 3}"), hints="alias"),
    _command("vault", _last_of("login")),
    _command("sqlplus", Pattern(Kind.PASSWORD, (), re.compile(r"[ \t]\w{1,64}+/(?P<secret>[^\s@\"'/]++)(?=@|\s|$)"))),
    _command("useradd usermod", _separate("-p|--password")),
    _command("gpg gpg2", _separate("--passphrase")),
    _command("xfreerdp wlfreerdp", _attached("/p:")),
)


def _pipe_marked(match: re.Match[str]) -> str:
    """What is echoed into a program that reads a password from its input."""
    if match["sink"] is None:
        return match[0]
    return match["command"] + _ECHOED.sub(_echoed_marked, match["words"]) + match["sink"]


def _echoed_marked(match: re.Match[str]) -> str:
    value = match["secret"]
    if is_marked(value) or is_placeholder(value):
        return match[0]
    return (match["option"] or "") + (match["user"] or "") + symbol(Kind.PASSWORD)


_ECHOED = re.compile(
    r"(?P<option>(?<!\S)-[A-Za-z]{1,3}(?=\s)[ \t]*+)?+(?P<user>(?<![^\s\"'])[\w.-]{1,64}+:)?+"
    r"(?P<secret>[^\s\"':]++(?:[:\"'][^\s\"']++)*+)"
)
_SINK = (
    r"\|[ \t]*(?:sudo[ \t]+(?:-\w+[ \t]+){0,3})?(?:/\S{0,60}/)?(?:chpasswd|smbpasswd|cryptsetup|kinit"
    r"|passwd|sudo[ \t][^|\n]{0,40}-S"
    r"|[^|\n]{1,120}?(?:--password-stdin|--passphrase-fd|--with-token|--pass-stdin))\b"
)


class EchoedPassword:
    """`echo user:password | chpasswd` and its like."""

    hints: Sequence[str] = ("echo", "printf")
    _expression = re.compile(rf"(?P<command>\b(?:echo|printf)\b)(?P<words>[^|\n]*+)(?P<sink>{_SINK})?")

    def apply(self, text: str) -> str:
        return self._expression.sub(_pipe_marked, text)


class EncodedCommandLine:
    """Audit writes a command line with a blank in it in hexadecimal: it is taken out where it holds a secret.

    So it does what sudo ran (cmd) and what was typed at a terminal (data).
    """

    hints: Sequence[str] = ("proctitle=", " a", "cmd=", "data=")
    _expression = re.compile(r"(?P<name>\b(?:proctitle|cmd|data|a\d{1,3})=)(?P<hex>(?:[0-9A-F]{2}){4,}+)(?![\w-])")

    def __init__(self, inner: Callable[[str], str]) -> None:
        self._inner = inner

    def apply(self, text: str) -> str:
        return self._expression.sub(self._marked, text)

    def _marked(self, match: re.Match[str]) -> str:
        decoded = bytes.fromhex(match["hex"]).replace(b"\0", b" ").decode("utf-8", "replace")
        return match[0] if self._inner(decoded) == decoded else match["name"] + symbol(Kind.COMMAND)


OPTIONS: Sequence[Redaction] = (
    Pattern(
        Kind.PASSWORD,
        ("--",),
        re.compile(rf"(?<![\w-])--(?:[a-z0-9]{{1,16}}-){{0,4}}{_LONG_NAMES}(?:=|{_GAP}){ARGUMENT}", re.IGNORECASE),
        _is_argument,
    ),
    Pattern(
        Kind.PASSWORD,
        ("pass", "secret", "token", "cookie"),
        re.compile(
            rf"(?<![\w-])-(?:password|passwd|pass|(?:src|dest)?(?:store|key)pass|passin|passout"
            rf"|secret|token|setcookie)(?:=|{_GAP})(?:pass:)?{ARGUMENT}"
        ),
        lambda match: _is_argument(match) and not secret_value(match).startswith(("env:", "file:", "fd:", "stdin")),
    ),
    Pattern(
        Kind.PASSWORD,
        ("pass:",),
        re.compile(r"(?<![\w-])pass:(?P<secret>[^\s\"'`]++)"),
        lambda match: not is_placeholder(match["secret"]),
    ),
    Pattern(
        Kind.PASSWORD,
        ("<<<",),
        re.compile(
            r"(?:\b(?:passwd|smbpasswd|cryptsetup|kinit)\b|(?<=--)(?:password-stdin|passphrase-fd|with-token|pass-stdin)\b"
            rf"|\bsudo[ \t](?:[^|;&\n<]{{0,40}}[ \t])?-S\b)[^|;&\n<]{{0,120}}<<<[ \t]*{ARGUMENT}"
        ),
        _is_argument,
    ),
    Pattern(Kind.PASSWORD, ("<<<",), re.compile(r"chpasswd[ \t]*<<<[ \t]*[\"']?[\w.-]{1,64}:(?P<secret>[^\s\"']++)")),
    Pattern(
        Kind.PASSWORD,
        ("ssh-keygen",),
        re.compile(rf"ssh-keygen\b[^|;&\n]{{0,200}}?[ \t]-[NP]{_GAP}{ARGUMENT}"),
        _is_argument,
    ),
)
