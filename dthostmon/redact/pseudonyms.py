"""Addresses and host names as pseudonyms, and back."""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network

_PREFIX_BITS = {4: 24, 6: 64}
_KEPT_V4 = re.compile(r"0\.0\.0\.0|127\.|255\.")

_V4 = r"(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\w)"
_V6 = rf"(?:[0-9A-Fa-f]{{1,4}}:|:(?=:))(?:[0-9A-Fa-f]{{0,4}}:){{1,7}}(?:{_V4}|[0-9A-Fa-f]{{0,4}})(?!\w|\.\w)"
_LABEL = r"\w++(?:[\u2011-]++\w++)*+"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*+"
_TERM = re.compile(rf"(?P<v6>(?<![\w.]){_V6})|(?P<v4>(?<![\w.]){_V4})|(?P<name>{_NAME})")
_V4_ALONE = re.compile(rf"(?<![\w.]){_V4}")

# what a model may make of a pseudonym: other case, a hyphen that does not break, the network without the member
_PSEUDONYM = re.compile(
    r"(?<!\w)(?P<noun>address|host)[-\u2011](?P<group>\d{1,9})(?:\.(?P<member>\d{1,9}))?(?!\w)", re.IGNORECASE
)

# the last label of a host's name; endings of files that are countries as well are left out
_DOMAINS = (
    "com net org info biz edu gov mil int arpa io dev app cloud tech online site xyz local lan internal intern home"
    " corp localdomain test example invalid onion eu de at ch fr uk us ca au nl be it es pt se no dk fi cz sk hu ro bg"
    " gr ie is lt lv ee ua ru by kz tr il ae in cn jp kr tw hk sg my th vn id nz za br mx ar cl co pe"
)
_LAST_LABELS = frozenset(_DOMAINS.split())


class Pseudonyms:
    """Gives each address and host name of a request a pseudonym, and puts the names back into the answer.

    An address becomes `address-N.M`: N stands for its network (/24, or /64 for IPv6), M for the address in it, so that
    neighbours are seen to be neighbours. A host becomes `host-N`; a full name whose first label is that of a host of
    `hosts` becomes `host-N.M` with the same N. Numbers are given in the order of appearance. Loopback, unspecified
    addresses and netmasks stay, and so do names that are neither of `hosts` nor end in a known domain.

    What already looks like a pseudonym gets one of its own: nobody can write one into a log and have it become a name.
    The form that is put back is the first one that was seen, where an address or a name has several.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(name.lower() for name in hosts)
        self._first_labels = frozenset(name.partition(".")[0] for name in self._hosts)
        self._groups: dict[str, dict[str, int]] = {"address": {}, "host": {}}
        self._members: dict[str, dict[str, str]] = {}
        self._networks: dict[str, str] = {}
        self._originals: dict[str, str] = {}

    def pseudonymise(self, text: str) -> str:
        """Return the text without addresses and names. Give it what `redact` returned: no e-mail addresses are left."""
        return _TERM.sub(self._replaced, text)

    def restore(self, text: str) -> str:
        """Return the text with addresses and names instead of pseudonyms; what was never given stays."""
        return _PSEUDONYM.sub(self._restored, text)

    def _replaced(self, match: re.Match[str]) -> str:
        if match["v4"]:
            return self._v4(match["v4"])
        return self._v6(match["v6"]) if match["v6"] else self._name(match["name"])

    def _v4(self, text: str) -> str:
        try:
            address = IPv4Address(text)
        except AddressValueError:
            return text
        return text if _KEPT_V4.match(text) else self._address(address, text)

    def _v6(self, text: str) -> str:
        """Times, MAC addresses and a colon behind an address have the form of IPv6 too."""
        for candidate in (text, text.removesuffix(":")):
            try:
                address = IPv6Address(candidate)
            except AddressValueError:
                continue
            stays = address.is_loopback or address.is_unspecified or (address.ipv4_mapped or address).is_loopback
            return text if stays else self._address(address, candidate) + text[len(candidate) :]
        return _V4_ALONE.sub(lambda found: self._v4(found[0]), text)

    def _address(self, address: IPv4Address | IPv6Address, text: str) -> str:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        # a mapped address is another form, so it is another member of its IPv4 network
        place = mapped or address
        network = str(ip_network((int(place), _PREFIX_BITS[place.version]), strict=False))
        group = f"address-{self._group('address', network)}"
        self._networks[group] = network
        return self._member(group, str(address), text, first=1)

    def _name(self, text: str) -> str:
        lowered = text.lower()
        if lowered in self._hosts or _is_full_name(lowered):
            label = lowered.partition(".")[0]
            group = self._group("host", label if label in self._first_labels else lowered)
            return self._member(f"host-{group}", lowered, text, first=0)
        if _PSEUDONYM.search(text):
            return self._member(f"host-{self._group('host', text)}", text, text, first=0)
        return text

    def _group(self, noun: str, key: str) -> int:
        groups = self._groups[noun]
        return groups.setdefault(key, len(groups) + 1)

    def _member(self, group: str, key: str, text: str, first: int) -> str:
        members = self._members.setdefault(group, {})
        if key not in members:
            number = len(members) + first
            members[key] = f"{group}.{number}" if number else group
            self._originals[members[key]] = text
        return members[key]

    def _restored(self, match: re.Match[str]) -> str:
        group = f"{match['noun'].lower()}-{int(match['group'])}"
        if match["member"] is None:
            return self._originals.get(group) or self._networks.get(group) or match[0]
        whole = f"{group}.{int(match['member'])}"
        if whole in self._originals:
            return self._originals[whole]
        return f"{self._originals[group]}.{match['member']}" if group in self._originals else match[0]


def _is_full_name(lowered: str) -> bool:
    labels = lowered.split(".")
    return len(labels) > 1 and labels[-1] in _LAST_LABELS and not all(map(str.isdigit, labels[:-1]))
