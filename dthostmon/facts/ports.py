"""Listening sockets, and which program has them where the host tells.

`ss` lists them, and the unit whose control group each was made in, which anybody may see. It finds programs by looking
at all processes (root: at those of all users), which takes longer; so that is asked for only when the sockets are not
those of the visit before: a socket keeps its inode as long as it is open. Without ss the kernel's files tell the
sockets alone, and take longer too: the kernel goes through all connections for them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import number, plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Inventory, Port, ThingKind

KINDS = frozenset({ThingKind.PORT})
MOST_PORTS = 5000
TABLES = ("tcp", "tcp6", "udp", "udp6")
LONGEST_TOLD = 500_000  # bytes; words of all probes share what one command may print, and anybody may open sockets
TABLE_BYTES = 4 * 2**20
DEFAULT_EPHEMERAL = (32768, 60999)
# Of Linux on machines that store the highest byte first: there the files' addresses are not turned round.
BIG_ENDIAN = {"s390", "s390x", "ppc", "ppc64", "mips", "mips64", "sparc", "sparc64", "parisc", "parisc64", "m68k"}
LISTENING, UNCONNECTED = "0A", "07"  # states of TCP and UDP in the kernel's files

_COMMAND = r"""sockets= how=
if sockets=$(ss -Hltnue); then how=ss
else sockets=$(set --
for table in tcp tcp6 udp udp6; do [ -r /proc/net/$table ] && set -- "$@" /proc/net/$table; done
[ "$1" ] && awk 'FNR == 1 { next } FILENAME ~ /tcp/ && $4 != "0A" { nextfile }
$4 == "0A" || $4 == "07" { print FILENAME, $2, $8, $10 } END { print "end" }' "$@")
fi
mark=$(echo $sockets | sha256sum)
echo ${mark%% *}
if [ "${mark%% *}" != 'BEFORE' ]; then
if [ "$how" ]; then rows=$(timeout 5 ss -Hltnupe) || rows=$sockets
sockets="=ss $rows end"; fi
if [ ${#sockets} -lt LONGEST ]; then echo $sockets; else echo '=many'; fi
fi"""
_STAMP = re.compile("[0-9a-f]{64}")
_SOCKET = re.compile(r"/proc/net/(tcp6?|udp6?) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) (\d{1,10}) \d{1,20}(?= )")
# A program's name has at most 15 characters, so it cannot hold the beginning of a row.
_ROW = re.compile(r"(?:^| )(tcp|udp) +(?:LISTEN|UNCONN) +\d+ +\d+ +(\S+):(\d{1,5}) +\S+:\S+(?= )")
_UID = re.compile(r" uid:(\d{1,10}) ")
_PROCESS = re.compile(r'\("(.{1,40}?)",pid=\d+,fd=\d+\)')
_UNIT = re.compile(r"cgroup:\S*/([^/\s]+\.(?:service|socket))\b")
_ACCOUNT = re.compile(r"^([^:\n]+):[^:\n]*:(\d{1,10}):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Socket:
    protocol: str
    version: int
    address: str
    port: int
    uid: int
    program: str = ""


def ports_mark(outputs: Outputs) -> str:
    """Name the sockets: by the digest that the host told, or of what its files hold."""
    raw = outputs.get("sockets", b"")
    words = raw[:64].decode("ascii", "replace")
    return words if _STAMP.fullmatch(words) else sha256(raw).hexdigest()


def parse_ports(outputs: Outputs) -> Inventory:
    """Read the sockets, the rows of ss and the accounts; a socket is one thing however many processes share it."""
    text = outputs.get("sockets", b"").decode("utf-8", "replace")
    if not text.endswith(" end"):
        is_long = text.endswith("=many")
        reason = "there are more sockets than are read" if is_long else "the kernel's list of sockets was not told"
        return Inventory((), {ThingKind.PORT: reason}, KINDS)
    is_big_endian = outputs.get("architecture", b"").decode("ascii", "replace").strip() in BIG_ENDIAN
    sockets = list(_listed(text) if text[64:].startswith(" =ss ") else _sockets(text, is_big_endian))
    chosen = _chosen(sockets, _ephemeral(outputs.get("ephemeral", b"")))
    ports = list(_ports(chosen, _accounts(outputs.get("accounts", b""))))
    missing = {ThingKind.PORT: f"there are more than {MOST_PORTS}"} if len(ports) > MOST_PORTS else {}
    return Inventory(tuple(ports[:MOST_PORTS]), missing, KINDS)


def _sockets(text: str, is_big_endian: bool) -> Iterator[_Socket]:
    for found in _SOCKET.finditer(text):
        protocol, version = found[1][:3], 6 if found[1].endswith("6") else 4
        if len(found[2]) == (32 if version == 6 else 8) and (port := int(found[3], 16)):
            address = _address(bytes.fromhex(found[2]), is_big_endian)
            yield _Socket(protocol, version, address, port, int(found[4]))


def _listed(text: str) -> Iterator[_Socket]:
    """Yield the sockets that ss listed; its rows are one line here."""
    heads = list(_ROW.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):  # no heads, one end
        port = int(head[3])
        address = head[2].partition("%")[0].strip("[]")
        if not 0 < port < 65536 or (shown := _plain_address(address)) is None:
            continue
        rest = f"{text[head.end() : end]} "
        uid = _UID.search(rest)  # ss does not tell that of root
        version = 6 if ":" in address or address == "*" else 4
        yield _Socket(head[1], version, shown, port, int(uid[1]) if uid else 0, _program(rest))


def _plain_address(address: str) -> str | None:
    try:
        told = IPv6Address(address) if ":" in address else IPv4Address(0 if address == "*" else address)
    except ValueError:
        return None
    return _shown(told)


def _program(rest: str) -> str:
    """Return the programs that have a socket, or the unit that it was made in."""
    names = sorted(set(_PROCESS.findall(rest)))
    unit = _UNIT.search(rest)
    return plain(", ".join(names) or (unit[1] if unit else ""))


def _address(raw: bytes, is_big_endian: bool) -> str:
    """Return an address; the kernel writes each four bytes of it as one number of the machine."""
    if not is_big_endian:
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return _shown(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))


def _shown(address: IPv4Address | IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return "*" if address.is_unspecified else str(mapped or address)


def _ephemeral(raw: bytes) -> tuple[int, int]:
    numbers = [number(word, 65535) for word in raw.split()[:2]]
    first, last = (*numbers, None, None)[:2]
    return (first, last) if first is not None and last is not None else DEFAULT_EPHEMERAL


def _chosen(sockets: Sequence[_Socket], ephemeral: tuple[int, int]) -> Iterator[_Socket]:
    """Yield the sockets that listen for others.

    A UDP socket that waits for the answer to its own question (DNS, NTP) looks like one that listens; the kernel gives
    it a port of the ephemeral range. So those count only where the same port is open for both versions of IP: somebody
    chose it (WireGuard's 51820), since two sockets are not given the same one. What listens on one address of many,
    beside all of them, is no port of its own: addresses of IPv6 come and go each day.
    """
    versions: defaultdict[int, set[int]] = defaultdict(set)
    for socket in sockets:
        if socket.protocol == "udp":
            versions[socket.port].add(socket.version)
    for_all = {(socket.protocol, socket.port, socket.uid) for socket in sockets if socket.address == "*"}
    for socket in sockets:
        is_given = socket.protocol == "udp" and ephemeral[0] <= socket.port <= ephemeral[1]
        if is_given and len(versions[socket.port]) == 1:
            continue
        if socket.address == "*" or (socket.protocol, socket.port, socket.uid) not in for_all:
            yield socket


def _accounts(raw: bytes) -> Mapping[int, str]:
    found = _ACCOUNT.findall(raw.decode("utf-8", "replace"))
    return {int(uid): plain(name, 64) for name, uid in reversed(found)}  # the first of several is the one that counts


def _ports(sockets: Iterator[_Socket], accounts: Mapping[int, str]) -> Iterator[Port]:
    named: defaultdict[tuple[str, int, str], list[_Socket]] = defaultdict(list)
    for socket in sockets:
        named[socket.protocol, socket.port, socket.address].append(socket)
    for (protocol, port, address), several in sorted(named.items()):
        users = {accounts.get(socket.uid, str(socket.uid)) for socket in several}
        told = {socket.program for socket in several if socket.program}
        yield Port(protocol, address, port, plain(", ".join(sorted(told))), plain(", ".join(sorted(users))))


async def _socket_files(files: FactFiles) -> Told:
    lines: list[str] = []
    for table in TABLES:
        try:
            content = await files.content(f"/proc/net/{table}", TABLE_BYTES)
        except FileUnreadableError:
            if table == "tcp":
                raise
            continue  # there may be no IPv6
        rows = (line.split() for line in content.decode("ascii", "replace").splitlines()[1:])
        wanted = {LISTENING, UNCONNECTED}
        lines += [f"/proc/net/{table} {row[1]} {row[7]} {row[9]}" for row in rows if len(row) > 9 and row[3] in wanted]
    return Told(" ".join((*lines, "", "end")).encode())


def ports_probe(_: Sequence[str], before: str | None) -> InventoryProbe:
    """Make the probe; programs are asked for when the sockets are not those of the mark."""
    parts = {"BEFORE": before if before and _STAMP.fullmatch(before) else "", "LONGEST": str(LONGEST_TOLD)}
    return InventoryProbe(
        name="ports",
        kinds=frozenset({ThingKind.PORT}),
        parse=parse_ports,
        contents={
            "ephemeral": ("/proc/sys/net/ipv4/ip_local_port_range",),
            "architecture": ("/proc/sys/kernel/arch", "/proc/sys/kernel/ostype"),  # since Linux 6.1
            "accounts": ("/etc/passwd",),
        },
        words={"sockets": re.sub("BEFORE|LONGEST", lambda word: parts[word[0]], _COMMAND)},
        files={"sockets": _socket_files},
        mark=ports_mark,
    )
