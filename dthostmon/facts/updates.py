"""What waits to be installed, or for a reboot, as far as files of the host tell. Pure."""

import re
from collections.abc import Iterable, Sequence

from dthostmon.facts.debian_versions import version_key
from dthostmon.facts.package_lists import Installed
from dthostmon.facts.plain import plain
from dthostmon.model import Updates

# The words of Ubuntu's update-notifier; the line of security updates is left out where there are none.
_SECURITY = re.compile(
    r"^(\d{1,6}) (?:of these updates (?:is a|are)(?: standard)?|updates? (?:is a|are)) security updates?\b",
    re.MULTILINE,
)
_ALL = re.compile(r"^\d{1,6} (?:updates?|packages?) can be (?:applied|installed|updated)\b", re.MULTILINE)
_CANDIDATE = re.compile(r"^candidate (\S+) (\S+) (\S+)$", re.MULTILINE)
_MOST_REASONS = 50


def parse_updates(lines: bytes, installed: Iterable[Installed]) -> Updates:
    """Read what the host tells of updates, a word in front of each line.

    `flag` a file that asks for a reboot, `teller` a program that would write one, `package` what asks for it, `kernel`
    the running one, `modules` the path in the modules of one that is installed, `available` a line of Ubuntu's notice,
    `candidate` a name, version and architecture that the lists of security updates offer.
    """
    text = "\n".join(plain(line) for line in lines.split(b"\n"))
    return Updates(security=_security(text, installed), reboot=_reboot(text))


def _security(text: str, installed: Iterable[Installed]) -> int | None:
    notice = "\n".join(_told(text, "available"))
    if found := _SECURITY.search(notice):
        return int(found[1])
    if _ALL.search(notice):
        return 0
    if "candidates all" not in text.split("\n"):
        return None
    versions = {(package.name, package.architecture): version_key(package.version) for package in installed}
    offered = {
        (name, architecture)
        for name, version, architecture in _CANDIDATE.findall(text)
        if (name, architecture) in versions and version_key(version) > versions[name, architecture]
    }
    return len(offered)


def _reboot(text: str) -> tuple[str, ...] | None:
    kernel = next(iter(_told(text, "kernel")), "")
    installed = [path.removeprefix("/lib/modules/").partition("/")[0] for path in _told(text, "modules")]
    newest = newest_kernel(kernel, installed)
    if newest and newest != kernel:
        return tuple(dict.fromkeys((*_told(text, "package"), f"kernel {newest}")))[:_MOST_REASONS]
    if flags := _told(text, "flag"):
        return tuple(dict.fromkeys(_told(text, "package") or flags))[:_MOST_REASONS]
    return () if newest or "teller" in text.split("\n") else None


def newest_kernel(running: str, installed: Sequence[str]) -> str | None:
    """Return the newest installed kernel of the kind that runs, which may be that; None where none is of its kind.

    Kernels are of one kind where all but the numbers in their names is the same: 6.1.0-25-amd64 and 6.1.0-28-amd64.
    """
    alike = [kernel for kernel in installed if _kind(kernel) == _kind(running)]
    return max(alike, key=_age) if running and alike else None


def _kind(kernel: str) -> list[str]:
    return re.findall(r"[a-zA-Z]+", kernel)


def _age(kernel: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"[0-9]+|[a-zA-Z]+", kernel)
    return [(part.isdecimal(), int(part[:18]) if part.isdecimal() else 0, part) for part in parts]


def _told(text: str, word: str) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in text.split("\n") if line.startswith(f"{word} ")]
