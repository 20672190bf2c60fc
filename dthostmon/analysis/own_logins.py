"""Our own logins in a host's log: they are no findings, and a login of our user from elsewhere is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dthostmon.analysis.seen_line import SeenLine
from dthostmon.model import Severity
from dthostmon.rules import Match, Rule, normal_address

LOGIN_RULE = "sshd.login"
MAX_LOGINS = 1000  # of our user in one run; more of them change no finding but its count

FOREIGN_LOGIN = Rule(
    id="sshd.foreign-login",
    kind="foreign-login",
    severity=Severity.WARN,
    programs=(),
    contains=(),
    expression="",
    fields=("user", "address"),
    group_by=("user", "address"),
    title="{user} logged in from {address}, which is not where dthostmon comes from",
    meaning="Somebody else uses the user, and perhaps the key, of dthostmon.",
    recommended_action="If this was not you, take the key out of authorized_keys on the host and make a new one. Give"
    ' dthostmon a user of its own, and its key the option from="…" in authorized_keys.',
    matching_samples=(),
    other_samples=(),
)


@dataclass(frozen=True, slots=True)
class OwnLogins:
    """Who we are on a host: the user we log in as and the addresses the host has seen us come from.

    `candidate` is the address that our end of the connection has: what the host sees, unless a router changes it.
    """

    user: str
    addresses: frozenset[str] = frozenset()
    candidate: str | None = None

    def explain(self, fields: Mapping[str, str]) -> bool:
        """Tell whether what a rule captured speaks of us."""
        address = fields.get("address")
        if address is None or fields.get("user", self.user) != self.user:
            return False
        return normal_address(address) in {*self.addresses, self.candidate}


@dataclass(frozen=True, slots=True)
class Login:
    """A line that tells of a login, and how often it was seen."""

    match: Match
    line: SeenLine
    count: int

    @property
    def address(self) -> str:
        """Where it came from."""
        return normal_address(self.match.fields["address"])


def sort_out(own: OwnLogins, logins: Sequence[Login]) -> tuple[frozenset[str], Sequence[Login]]:
    """Return the addresses that are ours, and the logins of our user from elsewhere.

    Where the host never saw us come from an address that we know of (a router hides it), nobody can tell the two apart.
    """
    seen = {login.address for login in logins}
    ours = own.addresses | ({own.candidate} & seen if own.candidate else frozenset())
    if not ours:
        return frozenset(), ()
    foreign = [login for login in logins if login.address not in ours]
    return ours, [replace(login, match=Match(FOREIGN_LOGIN, login.match.fields)) for login in foreign]
