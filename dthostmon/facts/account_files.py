"""What files tell of who may come in, where there is no shell: as `account_commands` would print it."""

import asyncio
import re
from collections.abc import Iterator, Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.account_commands import CANARY, DEFAULT_KEY_FILES, LARGEST_KILOBYTES, SUDO_FILES, SUDO_FOLDERS
from dthostmon.facts.sources import FactFiles, Told

NEEDS_SHELL = "the logins take a shell, which the key does not give"
_MOST_KEY_FILES = 2000  # each takes one request
_KEY_FILES = re.compile(rb"^[ \t]*authorizedkeysfile(?:[ \t]+|[ \t]*=[ \t]*)(.*)$", re.MULTILINE | re.IGNORECASE)


async def tell_accounts(files: FactFiles) -> Told:
    """Tell the lines of sudoers and of the authorized keys of all accounts whose homes can be seen."""
    patterns = await _patterns(files)
    named = list(_key_files(await files.content("/etc/passwd"), patterns))
    parts = await asyncio.gather(
        *(_told(files, f"sudo {path}", f"sudo:{path}", path) for path in SUDO_FILES),
        *(_sudo_folder(files, folder) for folder in SUDO_FOLDERS),
        *(_told(files, f"key {user}:{path}", f"{user}:{path}", path) for user, path in named[:_MOST_KEY_FILES]),
    )
    told = [*parts, f"{CANARY}:files\n".encode(), f"=refused login {NEEDS_SHELL}\n".encode()]
    if len(named) > _MOST_KEY_FILES:
        told.append(b"=refused key there are more accounts than are asked for\n")
    return Told(b"".join(told))


async def _patterns(files: FactFiles) -> Sequence[str]:
    try:
        config = await files.content("/etc/ssh/sshd_config")
    except FileUnreadableError:
        config = b""
    words = [word.strip('"') for line in _KEY_FILES.findall(config) for word in line.decode(errors="replace").split()]
    return list(dict.fromkeys((*DEFAULT_KEY_FILES, *(word for word in words if word and word != "none"))))


def _key_files(passwd: bytes, patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in passwd.decode(errors="replace").splitlines():
        fields = line.split(":")
        if len(fields) < 7 or not fields[5].startswith("/") or fields[0][:1] in {"", "+", "-", "#"}:
            continue
        home = fields[5].rstrip("/")
        for pattern in patterns:
            path = pattern.replace("%u", fields[0]).replace("%h", home)
            if "%" not in path:
                yield fields[0], path if path.startswith("/") else f"{home}/{path}"


async def _sudo_folder(files: FactFiles, folder: str) -> bytes:
    try:
        entries = await files.list(folder)
    except FileUnreadableError:
        return f"=closed sudo:{folder}\n".encode()
    paths = [f"{folder}/{entry.name}" for entry in entries[:_MOST_KEY_FILES]]
    return b"".join(await asyncio.gather(*(_told(files, f"sudo {path}", f"sudo:{path}", path) for path in paths)))


async def _told(files: FactFiles, there: str, closed: str, path: str) -> bytes:
    """Return a file's lines with its path in front of each, b"" where there is none."""
    try:
        state = await files.stat(path)
        if not state or not state.regular or not state.size:
            return b""
        lines = (await files.content(path, LARGEST_KILOBYTES * 1024)).removesuffix(b"\n").split(b"\n")
    except FileUnreadableError:
        return f"={'closed ' + closed}\n".encode()
    return f"={there}\n".encode() + b"".join(b"%s:%s\n" % (path.encode(), line) for line in lines)
