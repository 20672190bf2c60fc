"""The rules of packet filters, by their digest; only root is told of them.

Rules that programs make and take away all day are left out: those of containers, and of who is locked out for a while.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from dthostmon.facts.probe import Outputs
from dthostmon.model import Firewall, Thing, ThingKind

_NEEDS_ROOT = "the rules of the packet filter are told to root alone"
_NOT_TOLD = "the rules of the packet filter were not told, which takes root and a shell"
_NO_TOOL = "neither nft nor iptables-save is there to tell the rules of the packet filter"
_BROKEN = "the rules of the packet filter were not told to their end"
_END, _UNKNOWN = "end", "filter unknown"
_START = re.compile(r"filter (nftables|iptables)")

# Nothing is asked for that would load a module: a filter whose module is not there has no rules. The tables of the
# older filter are named in /proc only where it is in use. `-s` leaves out counters.
COMMAND = f"""[ -r /proc/1/environ ] || {{ echo no root; exit 1; }}
has() {{ command -v "$1" > /dev/null; }}
if [ ! -d /sys/module/nf_tables ] && [ -e /proc/modules ] &&
! grep -qs /nf_tables.ko "/lib/modules/$(uname -r)/modules.builtin"; then echo filter nftables
elif has nft; then echo filter nftables; nft -s list ruleset || exit 1
elif has iptables-save; then echo filter iptables; iptables-save && ip6tables-save || exit 1
else echo {_UNKNOWN}
fi
older=
for names in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do
[ -r $names ] && [ ! "$older" ] && read -r older <$names
done
if [ "$older" ]; then
echo filter iptables
if has iptables-legacy-save; then iptables-legacy-save && ip6tables-legacy-save || exit 1
else iptables-save && ip6tables-save || exit 1
fi
fi
echo {_END}"""

_PASSING_NAMES = re.compile(
    r"(?:DOCKER|f2b-|KUBE-|CNI-|NETAVARK|cali-|LIBVIRT_|FLANNEL|ts-|docker|kube-|netavark|crowdsec|libvirt_|podman)"
)
_PASSING_RULE = re.compile(
    r"\bbr-[0-9a-f]{12}\b|\bveth|-s (\S+)/32 -d \1/32 .*MASQUERADE|ip saddr (\S+) ip daddr \2 .*masquerade"
)
_COUNTERS = re.compile(r" \[\d+:\d+\]|(?<=counter) packets \d+ bytes \d+")
_TABLE = re.compile(r"(table \S+ (\S+)) \{.*")
_BLOCK = re.compile(r"((?:chain|set|map|flowtable|ct \S+|counter|quota|limit) (\S+)) \{.*")
_OWN_SETS = ("flags dynamic", "flags timeout", "timeout ")  # what is in them, programs put there

Parsed = tuple[list[Thing], Mapping[ThingKind, str]]


def parse(outputs: Outputs) -> Parsed:
    """Read what COMMAND prints, and the switch of ufw, which everybody may read."""
    lines = outputs.get("filter", b"").decode(errors="replace").splitlines()
    found: list[Thing] = [*_switch(outputs.get("ufw", b""))]
    if not lines or lines[0] == "no root":
        return found, {ThingKind.FIREWALL: _NEEDS_ROOT if lines else _NOT_TOLD}
    if lines[-1] != _END or not (_START.fullmatch(lines[0]) or lines[0] == _UNKNOWN):
        return found, {ThingKind.FIREWALL: _BROKEN}
    found += [_firewall(name, rules) for name, rules in _filters(lines[:-1]).items()]
    return found, {ThingKind.FIREWALL: _NO_TOOL} if _UNKNOWN in lines else {}


def _switch(settings: bytes) -> Iterator[Firewall]:
    found = re.search(rb"^\s*ENABLED\s*=\s*['\"]?(yes|no)\b", settings, re.MULTILINE | re.IGNORECASE)
    if found:
        is_on = found[1].lower() == b"yes"
        yield Firewall("ufw", None if is_on else 0, "", is_on=is_on)  # while it is off, none of its rules is loaded


def _filters(lines: Sequence[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    into: list[str] = []
    for line in lines:
        if start := _START.fullmatch(line):
            into = found.setdefault(start[1], [])
        else:
            into.append(line)
    return found


def _firewall(name: str, lines: Sequence[str]) -> Firewall:
    kept = [*(_nft_rules(lines) if name == "nftables" else _iptables_rules(lines))]
    digest = sha256("\n".join(kept).encode("utf-8", "surrogatepass")).hexdigest()
    count = sum(map(_is_rule, kept))
    return Firewall(name, count, digest if count else "")


def _is_rule(line: str) -> bool:
    """Tell whether a line lets a packet pass or not: a chain that lets all pass is none."""
    if line.startswith(":"):
        return " DROP" in line
    if line.startswith("*"):
        return False
    rule = line.partition("|")[2]
    return "policy drop" in rule or not rule.startswith(("type ", "set ", "policy "))


def _iptables_rules(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        words = line.split()
        name = words[1] if line.startswith("-A ") and len(words) > 1 else words[0][1:] if words else ""
        if line.startswith((":", "-A ", "*")) and not _PASSING_NAMES.match(name) and not _PASSING_RULE.search(line):
            yield _COUNTERS.sub("", line) if line.startswith((":", "*")) else f"{line[:3]}|{_COUNTERS.sub('', line)}"


def _nft_rules(lines: Sequence[str]) -> Iterator[str]:
    """Yield `table chain|rule` for each rule, and `table set|set …` for what a set holds."""
    table, block = "", ""
    held: list[str] = []
    for raw in lines:
        line = _COUNTERS.sub("", raw.strip())
        if start := _TABLE.fullmatch(line):
            table, block = "" if _PASSING_NAMES.match(start[2]) else start[1], ""
        elif (start := _BLOCK.fullmatch(line)) and not line.startswith("counter {"):
            block, held = "" if _PASSING_NAMES.match(start[2]) else start[1], []
        elif line == "}":
            yield from _block(table, block, held)
            block, held = "", []
        elif line:
            held.append(line)


def _block(table: str, block: str, held: Sequence[str]) -> Iterator[str]:
    if not table or not block:
        return
    if block.startswith("chain "):
        yield from (f"{table} {block}|{line}" for line in held if not _PASSING_RULE.search(line))
    elif not any(line.startswith(_OWN_SETS) for line in held):
        yield from (f"{table} {block}|set {line}" for line in held)
