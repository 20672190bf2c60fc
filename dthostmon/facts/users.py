"""Who may come in: accounts, groups, sudoers, authorized keys; and who did.

Accounts of name services (LDAP, sssd) are not asked for: such a question may take long, and goes to other machines.
Keys that a program of AuthorizedKeysCommand would tell sshd are not known either.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePosixPath

from dthostmon.facts.account_commands import ACCOUNTS, CANARY, LARGEST_KILOBYTES, SUDO_FOLDERS
from dthostmon.facts.account_files import tell_accounts
from dthostmon.facts.authorized_keys import parse_keys
from dthostmon.facts.logins import parse_logins
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs, digest_of
from dthostmon.facts.sudoers import includes, is_passed_over, parse_sudoers
from dthostmon.model import AuthorizedKey, Group, Inventory, SudoRule, Thing, ThingKind, User

MOST_THINGS = 5000  # of each kind
_MOST_MEMBERS = 1000
_LARGEST_ID = 2**32 - 1
_LONGEST_PATH = 400
_LOGINS = b"\n=logins\n"
_CLOSED = "cannot be read, which takes root"
_UNREAD = f"cannot be read, or has more than {LARGEST_KILOBYTES} KiB"
_NOT_FOLLOWED = "included by sudoers, and not read"
_NOT_TOLD = "the host did not tell, or not within its time"


def users_probe(files: Sequence[str], before: str | None) -> InventoryProbe:  # noqa: ARG001  # the signature of Make
    """Make the probe, which is told all at each visit."""
    return InventoryProbe(
        name="users",
        parse=parse_users,
        contents={"passwd": ("/etc/passwd",), "group": ("/etc/group",)},
        commands={"accounts": ACCOUNTS},
        files={"accounts": tell_accounts},
        kinds=frozenset({ThingKind.USER, ThingKind.GROUP, ThingKind.SUDO, ThingKind.KEY, ThingKind.LOGIN}),
        mark=mark_of,
    )


def mark_of(outputs: Outputs) -> str:
    """Name what was told but for the logins: who came in is told when something else changed."""
    return digest_of({part: output.partition(_LOGINS)[0] for part, output in outputs.items()})


@dataclass(slots=True)
class _Accounts:
    """What the part `accounts` tells, taken apart. `keys` and `closed` are pairs of a user and a path, in order."""

    locked: dict[str, bool] = field(default_factory=dict)
    keys: dict[tuple[bytes, bytes], None] = field(default_factory=dict)
    sudo: dict[bytes, None] = field(default_factory=dict)
    closed: dict[tuple[bytes, bytes], None] = field(default_factory=dict)
    lines: defaultdict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Whether the files were read."""
        return CANARY.encode() in self.lines


def parse_users(outputs: Outputs) -> Inventory:
    """Read /etc/passwd, /etc/group and what the part `accounts` tells."""
    told, _, logins = (b"\n" + outputs.get("accounts", b"")).partition(_LOGINS)
    accounts = _taken_apart(told)
    found: dict[ThingKind, tuple[list[Thing], str]] = {
        ThingKind.USER: (list(_users(outputs.get("passwd", b""), accounts.locked)), ""),
        ThingKind.GROUP: (list(_groups(outputs.get("group", b""))), ""),
        ThingKind.SUDO: (_some(_sudo_rules(accounts)), _why_missing(accounts, "sudo")),
        ThingKind.KEY: (_some(_keys(accounts)), _why_missing(accounts, "key")),
        ThingKind.LOGIN: (list(parse_logins(logins)), _why_no_logins(accounts, logins)),
    }
    for kind, path in ((ThingKind.USER, "/etc/passwd"), (ThingKind.GROUP, "/etc/group")):
        if not found[kind][0]:
            found[kind] = ([], f"{path} cannot be read, or has too many lines")
    missing = {kind: reason for kind, (things, said) in found.items() if (reason := said or _too_many(things))}
    parts = {ThingKind.SUDO: _unseen_rules(accounts), ThingKind.KEY: _unseen_keys(accounts)}
    unseen = {kind: part for kind, part in parts.items() if part and kind not in missing}
    things = tuple(thing for things, _ in found.values() for thing in things[:MOST_THINGS])
    return Inventory(things, missing, unseen=unseen)


def _taken_apart(told: bytes) -> _Accounts:
    accounts = _Accounts()
    for line in told.split(b"\n"):
        word, _, rest = line.partition(b" ")
        name, colon, path = rest.partition(b":")
        match word:
            case b"=locked" | b"=open":
                accounts.locked.setdefault(plain(rest), word == b"=locked")
            case b"=key" if colon:
                accounts.keys[name, path] = None
            case b"=closed" if colon:
                accounts.closed[name, path] = None
            case b"=sudo":
                accounts.sudo[rest] = None
            case b"=refused":
                kind, _, reason = rest.partition(b" ")
                accounts.refused[kind.decode("ascii", "replace")] = plain(reason)
            case _ if line.startswith(b"/"):
                path, _, text = line.partition(b":")
                accounts.lines[path].append(text)
            case _:
                pass  # what a login script says
    return accounts


def _users(passwd: bytes, locked: Mapping[str, bool]) -> Iterator[User]:
    for name, fields in _named(passwd, 7):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            home, shell = plain(fields[5], _LONGEST_PATH), plain(fields[6], _LONGEST_PATH)
            yield User(name, uid, gid, home, shell, _is_locked(fields[1], locked.get(plain(fields[0]))))


def _is_locked(password: bytes, in_shadow: bool | None) -> bool | None:
    """Tell of the second field of a line of passwd: x leaves it to shadow, and no hash begins with ! or *."""
    return in_shadow if password == b"x" else password.startswith((b"!", b"*"))


def _groups(lines: bytes) -> Iterator[Group]:
    for name, fields in _named(lines, 4):
        if (gid := _number(fields[2])) is not None:
            members = {plain(member) for member in fields[3].split(b",") if member.strip()}
            yield Group(name, gid, tuple(sorted(members)[:_MOST_MEMBERS]))


def _named(lines: bytes, count: int) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield the fields of each line with its name. One that was there already is no other's, but it is shown."""
    seen: Counter[str] = Counter()
    for line in lines.split(b"\n"):
        fields = line.rstrip(b"\r").split(b":")
        if len(fields) < count or not fields[0].strip() or fields[0].startswith((b"+", b"-", b"#")):
            continue
        name = plain(fields[0])
        while seen[name]:
            seen[name] += 1
            name = f"{plain(fields[0])} ({seen[name]})"
        seen[name] = 1
        yield name, fields


def _number(digits: bytes) -> int | None:
    return number if digits.isdigit() and len(digits) <= 10 and (number := int(digits)) <= _LARGEST_ID else None


def _sudo_rules(accounts: _Accounts) -> Iterator[SudoRule]:
    seen: set[SudoRule] = set()
    for path in _sudo_paths(accounts):
        for rule in parse_sudoers(plain(path, _LONGEST_PATH), accounts.lines.get(path, [])):
            if rule not in seen:
                seen.add(rule)
                yield rule


def _sudo_paths(accounts: _Accounts) -> list[bytes]:
    return [path for path in accounts.sudo if not _is_ignored(path)]


def _is_ignored(path: bytes) -> bool:
    name = PurePosixPath(path.decode(errors="replace"))
    return str(name.parent) in SUDO_FOLDERS and is_passed_over(name.name)


def _keys(accounts: _Accounts) -> Iterator[AuthorizedKey]:
    in_files: dict[bytes, Sequence[AuthorizedKey]] = {}
    seen: set[tuple[str, str]] = set()
    for name, path in accounts.keys:
        if path not in in_files:  # several accounts may have one home
            in_files[path] = list(parse_keys("", plain(path, _LONGEST_PATH), accounts.lines.get(path, [])))
        user = plain(name)
        for key in in_files[path]:
            if (user, key.fingerprint) not in seen:
                seen.add((user, key.fingerprint))
                yield replace(key, user=user)


def _unseen_rules(accounts: _Accounts) -> Mapping[str, str]:
    hidden = [path for name, path in accounts.closed if name == b"sudo" and not _is_ignored(path)]
    # where a folder cannot be listed, the shell tells its pattern as if it was a file
    closed = [path for path in hidden if not (path.endswith(b"/*") and path[:-2] in hidden)]
    included = [path for lines in map(accounts.lines.get, accounts.sudo) if lines for path in includes(lines)]
    parts = {_rules_of(path): _CLOSED for path in closed}
    parts |= {_rules_of(path): _UNREAD for path in _sudo_paths(accounts) if path not in accounts.lines}
    return parts | {path: _NOT_FOLLOWED for path in included if not path.startswith(SUDO_FOLDERS)}


def _rules_of(path: bytes) -> str:
    """Return how the subjects of a file's or folder's rules begin: those of sudoers are not those of sudoers.d."""
    name = plain(path, _LONGEST_PATH)
    return f"{name}/" if name.endswith(SUDO_FOLDERS) else f"{name}: "


def _unseen_keys(accounts: _Accounts) -> Mapping[str, str]:
    """Return whose keys are not known. The space ends the name, so that root is not rooty."""
    unread = {f"{plain(name)} ": _UNREAD for name, path in accounts.keys if path not in accounts.lines}
    return unread | {f"{plain(name)} ": _CLOSED for name, _ in accounts.closed if name != b"sudo"}


def _why_missing(accounts: _Accounts, kind: str) -> str:
    return accounts.refused.get(kind, "") if accounts.is_told else _NOT_TOLD


def _why_no_logins(accounts: _Accounts, logins: bytes) -> str:
    if "login" in accounts.refused:
        return accounts.refused["login"]
    is_told = logins.endswith(b"\n=told\n") or logins.startswith(b"=told\n")
    return "" if is_told else "`last` of util-linux is not there, or /var/log/wtmp cannot be read"


def _some(things: Iterator[Thing]) -> list[Thing]:
    return list(islice(things, MOST_THINGS + 1))


def _too_many(things: Sequence[Thing]) -> str:
    return f"there are more than {MOST_THINGS}" if len(things) > MOST_THINGS else ""
