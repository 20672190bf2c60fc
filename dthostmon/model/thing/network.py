"""How the host is reached, and what it reaches."""

from dataclasses import dataclass
from typing import ClassVar

from dthostmon.model.thing.kind import ThingKind


@dataclass(frozen=True, slots=True)
class Port:
    """A listening socket; `program` and `user` are empty where they are not told. `address` is * for all of them."""

    kind: ClassVar[ThingKind] = ThingKind.PORT
    protocol: str
    address: str
    port: int
    program: str = ""
    user: str = ""

    @property
    def subject(self) -> str:
        """See `Thing`."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}/{self.protocol}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"{self.program or 'unknown program'}{f' as {self.user}' if self.user else ''}"


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of the host with its network: `192.0.2.10/24` on eth0."""

    kind: ClassVar[ThingKind] = ThingKind.ADDRESS
    interface: str
    address: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.interface} {self.address}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.address


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets to a network go: `default` via 192.0.2.1 over eth0."""

    kind: ClassVar[ThingKind] = ThingKind.ROUTE
    destination: str
    gateway: str
    interface: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.destination} over {self.interface}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"via {self.gateway}" if self.gateway else "direct"


@dataclass(frozen=True, slots=True)
class NameServers:
    """Whom the host asks for names, in order."""

    kind: ClassVar[ThingKind] = ThingKind.DNS
    servers: tuple[str, ...]
    search: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return "name servers"

    @property
    def state(self) -> str:
        """See `Thing`."""
        search = f" search {' '.join(self.search)}" if self.search else ""
        return f"{' '.join(self.servers)}{search}"


@dataclass(frozen=True, slots=True)
class Firewall:
    """The rules of one packet filter, by their digest (counters left out). No rules = it lets everything through.

    `rules` is None where they are not told, `is_on` None where there is no switch or it is not told.
    """

    kind: ClassVar[ThingKind] = ThingKind.FIREWALL
    name: str
    rules: int | None
    digest: str
    is_on: bool | None = None

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        switch = {True: "on", False: "off", None: ""}[self.is_on]
        rules = "" if self.rules is None else f"{self.rules} rules {self.digest[:12]}" if self.rules else "no rules"
        return ", ".join(filter(None, (switch, rules)))
