"""Whether what a probe found is in what it was told: names, versions, paths and words are never made up.

What is allowed to differ is what is documented: what cannot be printed is a ? or an escape, blanks are single, a long
text is cut, secrets are taken out, and some states and schedules have a word of ours.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network

from dthostmon.model import (
    AuthorizedKey,
    Boot,
    Certificate,
    Clock,
    Container,
    CronEntry,
    Drive,
    Firewall,
    Group,
    InterfaceAddress,
    KernelSetting,
    Login,
    Module,
    Mount,
    NameServers,
    Package,
    Port,
    Route,
    Service,
    SetuidFile,
    StorageArray,
    SudoRule,
    Thing,
    Timer,
    Updates,
    User,
)
from dthostmon.transport import paths

# Words of ours: states of services and arrays, keepers of the clock, schedules, and whose a job of the system is.
_OURS = {
    *("active", "inactive", "failed", "restarting", "enabled", "disabled", "static", "masked", "generated"),
    *("activating", "deactivating", "clean", "degraded", "resyncing", "errors", "of", "devices"),
    *("chrony", "systemd-timesyncd", "ntpd", "openntpd", "the", "kernel", "every", "days", "root"),
    *("nftables", "iptables", "ufw", "state", "at", "least", "90%", "worn", "critical", "warning", "media"),
    *("reallocated", "uncorrectable", "pending", "offline"),
}
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_REDACTED = re.compile(r"\[redacted: [a-z -]+\]")
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def _shown(text: str) -> str:
    if text.isascii():
        return _UNPRINTABLE.sub("?", text)
    return "".join(character if character.isprintable() and character != "\ufffd" else "?" for character in text)


def _in_one_form(text: str) -> str:
    return _shown(text).replace("\u2026", "?")


def _escaped(text: str) -> str:
    """Return a text as those of files and of disks are shown."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\x{ord(character):02x}"
        for character in text
    )


class Told:
    """All that a host told, in each form in which it may be shown."""

    def __init__(self, *outputs: bytes) -> None:
        self.raw = b"\n".join(outputs)

    @cached_property
    def usual(self) -> str:
        """What was told, in the form of most texts."""
        return _in_one_form(self.raw.decode("utf-8", "replace"))

    @cached_property
    def forms(self) -> str:
        """What was told in all other forms: of names of files, of their texts, of commands, of certificates."""
        unescaped = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), self.raw)
        certificates = b"\n".join(b64decode(block + b"==", validate=False) for block in _BLOCK.findall(self.raw))
        texts = [
            form.decode("utf-8", errors)
            for form in (self.raw, unescaped, certificates)
            for errors in ("replace", "surrogateescape")
        ]
        texts += [_escaped(self.raw.decode("utf-8", errors)) for errors in ("replace", "backslashreplace")]
        texts += [paths.to_text(line) for form in (self.raw, unescaped) for line in form.split(b"\n")]
        texts += [" ".join(text.split()) for text in texts]
        return _in_one_form("\n".join(texts))

    def holds(self, text: str) -> bool:
        """Tell whether a text is in it, or the beginning of one that was cut."""
        wanted = _in_one_form(text.removesuffix("\u2026"))
        return wanted in self.usual or wanted in self.forms

    def holds_words(self, text: str) -> bool:
        """Tell whether each word of a text is in it, or is one of ours."""
        words = re.split(r"[\s,;()]+", _REDACTED.sub(" ", text))
        return all(word in _OURS or self.holds(word) for word in words if word)


def inventions(thing: Thing, told: Told) -> list[str]:
    """Return what a thing says that the host did not."""
    whole = [text for text in _texts(thing) if not told.holds(text)]
    return whole + [text for text in _phrases(thing) if not told.holds_words(text)]


def _texts(thing: Thing) -> Iterator[str]:  # noqa: C901, PLR0912  # one case for each kind of thing
    """Yield the texts that must stand in what was told as they are."""
    match thing:
        case Package():
            name = re.sub(r"^(?:dpkg|rpm|apk|pacman|snap|flatpak):", "", thing.name)
            yield from re.split(r"[:.]", name)
            yield from re.split(r", | ?\(|\)", thing.version)
            yield from (re.sub("^/(?:usr/)?", "", path).rpartition("/")[2] for path in thing.owns)
            yield from (re.sub("^/(?:usr/)?", "", path).rpartition("/")[0] for path in thing.owns)
        case User():
            yield from (_unnumbered(thing.name), str(thing.uid), str(thing.gid), thing.home, thing.shell)
        case Group():
            yield from (_unnumbered(thing.name), str(thing.gid), *thing.members)
        case AuthorizedKey():
            yield from (thing.user, thing.path, thing.algorithm, thing.comment)
        case SudoRule():
            yield thing.path
        case Login():
            yield from (thing.user, thing.terminal, thing.origin)
        case Service():
            yield from (thing.name, thing.path.rpartition("/")[2])
        case Timer():
            yield from (thing.name, thing.activates.removesuffix(".service"))
        case Port():
            yield from thing.program.split(", ")
        case CronEntry():
            yield from (thing.path, *thing.user.split(", "))
        case Mount():
            yield from (thing.path, thing.device, thing.filesystem)
            yield from (option.removesuffix("=?") for option in thing.options)
        case InterfaceAddress():
            yield from (thing.interface if thing.interface != "?" else "", *_in_hex_or(thing.address))
        case Route():
            yield from (thing.interface, *_route_hex(thing))
        case NameServers():
            yield from (*thing.servers, *thing.search)
        case Module():
            yield from (thing.name, thing.taints)
        case Boot():
            yield from (thing.boot_id, thing.kernel)
        case SetuidFile():
            yield from (thing.path, thing.owner, f"{thing.mode:o}")
        case Certificate():
            yield thing.name
        case Container():
            yield from (thing.image, thing.state_word, thing.health, thing.project)
        case StorageArray():
            yield from (thing.name, *thing.members)
        case Drive():
            yield from (thing.name, thing.serial)
        case _:
            pass


def _phrases(thing: Thing) -> Iterator[str]:  # noqa: C901, PLR0912  # one case for each kind of thing
    """Yield the texts whose words must stand there, or be ours."""
    match thing:
        case Updates():
            yield from thing.reboot or ()
        case SudoRule():
            yield thing.text
        case AuthorizedKey():
            yield thing.options
        case Service():
            yield from filter(None, (thing.active, thing.enabled))
        case Timer():
            yield thing.active or ""
        case Port():
            yield thing.user if thing.user != "0" else ""  # ss leaves out the number of root
        case CronEntry():
            yield from (thing.schedule, thing.command)
        case KernelSetting():
            yield thing.value
        case Clock():
            yield thing.source
        case StorageArray():
            yield re.sub(r"^\d+ errors", "errors", thing.health)
        case Drive():
            yield from (thing.model, thing.health)
            yield from (re.sub(r"^\d+ ", "", warning) for warning in thing.warnings)
        case Firewall():
            yield thing.name
        case _:
            pass


def _unnumbered(name: str) -> str:
    return re.sub(r" \(\d+\)$", "", name)


def _in_hex_or(address: str) -> tuple[str, ...]:
    """Return how an address is told: version 6 by the kernel in hexadecimal digits."""
    told = ip_interface(address).ip
    return (f"{int(told):032x}",) if isinstance(told, IPv6Address) else (str(told),)


def _route_hex(route: Route) -> Iterator[str]:
    """Yield a route's network and gateways as the kernel writes them."""
    for gateway in filter(None, route.gateway.split(", ")):
        told = ip_address(gateway)
        yield f"{int(told):032x}" if told.version == 6 else told.packed[::-1].hex().upper()
    if not route.destination.startswith("default"):
        network: IPv4Network | IPv6Network = ip_network(route.destination, strict=False)
        if network.version == 4 and route.destination == str(network):
            yield network.network_address.packed[::-1].hex().upper()
