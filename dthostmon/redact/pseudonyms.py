"""Addresses and host names as pseudonyms, and back."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network

_PREFIX_BITS = {4: 24, 6: 64}
_KEPT_V4 = re.compile(r"0\.0\.0\.0|127\.|255\.")
_HYPHENS = "\u2010\u2011-"

_V4 = r"(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\w)"
_V6 = (
    rf"(?:[0-9A-Fa-f]{{1,4}}:|:(?=:))(?:[0-9A-Fa-f]{{0,4}}:){{1,7}}(?:{_V4}|[0-9A-Fa-f]{{0,4}})"
    r"(?![^\W_]|\.\d)"
)
_LABEL = rf"\w++(?:[{_HYPHENS}]++\w++)*+"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*+"
_TERM = re.compile(rf"(?P<v6>(?<![\w.]){_V6})|(?P<v4>(?<![\w.]){_V4})|(?P<name>{_NAME})")
_V4_ALONE = re.compile(rf"(?<![\w.]){_V4}")
# within a longer word; what is behind a single v is a version
_V4_INSIDE = re.compile(r"(?<!\d)(?<!\d\.)(?<!(?<![^\W_])[Vv])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
_SEPARATORS = re.compile(rf"([._{_HYPHENS}]+)")

# what a model may make of a pseudonym: other case, another hyphen, the network without the member
_PSEUDONYM = re.compile(
    rf"(?<![^\W_])(?P<noun>address|host)[{_HYPHENS}](?P<group>\d{{1,9}})(?:\.(?P<member>\d{{1,9}}))?(?![^\W_])",
    re.IGNORECASE,
)

# the last label of a host's name; endings of files that are countries as well are left out
_DOMAINS = (
    "com net org info biz edu gov mil int arpa io dev app cloud tech online site xyz local lan internal intern home"
    " corp localdomain test example invalid onion eu de at ch fr uk us ca au nl be it es pt se no dk fi cz sk hu ro bg"
    " gr ie is lt lv ee ua ru by kz tr il ae in cn jp kr tw hk sg my th vn id nz za br mx ar cl co pe"
)
_LAST_LABELS = frozenset(_DOMAINS.split())
# domains that are words too, with a hyphen behind: apt.no-space, mysql.io-error
_WORD_DOMAINS = "no by in it at is be id my io int info test invalid home local online app site cloud tech dev"
_WORDS = frozenset(_WORD_DOMAINS.split())
# what follows a full name in the name of a file or a unit
_FILE_ENDINGS = (
    "log err error access out conf cfg ini pem crt cer cert key csr json yaml yml xml txt db sql zone pid sock lock tar"
    " gz xz zst bz2 zip bak old tmp html service timer socket mount slice scope"
)
_ENDINGS = frozenset(_FILE_ENDINGS.split())
_MOST_NAME_CHARACTERS = 253
_MOST_PIECES = 12  # of a host's name, with what separates them


class Pseudonyms:
    """Gives each address and host name of a request a pseudonym, and puts the names back into the answer.

    An address becomes `address-N.M`: N stands for its network (/24, or /64 for IPv6), M for the address in it, so that
    neighbours are seen to be neighbours. A host becomes `host-N`; a full name whose first label is that of a host of
    `hosts` becomes `host-N.M` with the same N. Numbers are given in the order of appearance. Loopback, unspecified
    addresses and netmasks stay, and so do names that are neither of `hosts` nor end in a known domain, which those of
    `hosts` are as well.

    Within a longer word (the name of a file, a unit or a container) addresses are found, full names that it begins
    with, and hosts of `hosts` whose names are no plain word: `mail-queue` is no host's because one is called `mail`.

    What already looks like a pseudonym gets one of its own: nobody can write one into a log and have it become a name.
    The form that is put back is the first one that was seen, where an address or a name has several.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(name.lower() for name in hosts if not _is_address(name))
        self._first_labels = frozenset(name.partition(".")[0] for name in self._hosts)
        self._last_labels = _LAST_LABELS | {name.rpartition(".")[2] for name in self._hosts if "." in name}
        self._no_words = frozenset(name for name in self._hosts if not name.isalpha())
        self._beginnings = frozenset(_SEPARATORS.split(name)[0] for name in self._no_words)
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
        if match["v6"]:
            return self._v6(match["v6"])
        name = match["name"].lstrip("_")  # an address may end before it
        return match["name"][: -len(name)] + self._name(name) if name else match["name"]

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
        if self._is_host(text):
            return self._host(text)
        found = list(self._inside(text)) if _SEPARATORS.search(text) else []
        changed = _with(found, text)
        # what looks like a pseudonym is none; and web1.7 would be host-1.7, which is the name of another one
        is_clear = [match[0] for match in _PSEUDONYM.finditer(changed)] == [pseudonym for *_, pseudonym in found]
        return changed if is_clear else self._whole(text)

    def _whole(self, text: str) -> str:
        return self._member(f"host-{self._group('host', text)}", text, text, first=0)

    def _is_host(self, text: str) -> bool:
        lowered = text.lower()
        return lowered in self._hosts or self._is_full_name(lowered)

    def _host(self, text: str) -> str:
        lowered = text.lower()
        label = lowered.partition(".")[0]
        group = self._group("host", label if label in self._first_labels else lowered)
        return self._member(f"host-{group}", lowered, text, first=0)

    def _is_full_name(self, lowered: str) -> bool:
        labels = lowered.split(".")
        return len(labels) > 1 and labels[-1] in self._last_labels and not all(map(str.isdigit, labels[:-1]))

    def _inside(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield the start, the end and the pseudonym of what is found within a word."""
        end = self._end_of_full_name(text)
        if end:
            yield 0, end, self._host(text[:end])
        for match in _V4_INSIDE.finditer(text, end):
            yield from self._hosts_between(text, end, match.start())
            end = match.end()
            pseudonym = self._v4(match[0])
            if pseudonym != match[0]:
                yield *match.span(), pseudonym
        yield from self._hosts_between(text, end, len(text))

    def _end_of_full_name(self, text: str) -> int:
        """Return how long the full name is that a word begins with; 0 = it does with none."""
        found = 0
        for match in _SEPARATORS.finditer(text, 0, _MOST_NAME_CHARACTERS + 1):
            ending = _SEPARATORS.split(text[match.end() : match.end() + _MOST_NAME_CHARACTERS], maxsplit=1)[0]
            if match[0] == "." and ending.lower() not in _ENDINGS:
                continue
            name = text[: match.start()].lower()
            is_word = match[0] != "." and name.rpartition(".")[2] in _WORDS and "." not in text[match.end() :]
            if not is_word and self._is_full_name(name):
                found = match.start()
        return found

    def _hosts_between(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield the known hosts of a part of a word, the longest name at each place."""
        pieces = _SEPARATORS.split(text[start:end]) if self._beginnings else []
        at = 0
        while at < len(pieces):
            size = self._pieces_of_host(pieces[at : at + _MOST_PIECES])
            length = len("".join(pieces[at : at + size]))
            if size:
                yield start, start + length, self._host(text[start : start + length])
            else:
                size, length = 1, len(pieces[at])
            start, at = start + length, at + size

    def _pieces_of_host(self, pieces: list[str]) -> int:
        if pieces[0].lower() not in self._beginnings:
            return 0
        sizes = range(len(pieces), 0, -1)
        return next((size for size in sizes if "".join(pieces[:size]).lower() in self._no_words), 0)

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


def _with(found: Iterable[tuple[int, int, str]], text: str) -> str:
    """Return a text with pseudonyms in their places."""
    told, at = "", 0
    for start, end, pseudonym in found:
        told += text[at:start] + pseudonym
        at = end
    return told + text[at:]


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdigit() or ":" in name
