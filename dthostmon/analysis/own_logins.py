"""Our own logins in a host's log: they are no findings, and a login of our user from elsewhere is one."""

from collections.abc import Sequence
from dataclasses import dataclass

from dthostmon.analysis.batch import Batch, Sighting
from dthostmon.model import Severity
from dthostmon.rules import Match, Rule

LOGIN_RULES = frozenset({"sshd.login", "sshd.password-login"})
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

    def unexplained(self, batch: Batch) -> Batch:
        """Return the lines of a batch that do not speak of us."""
        addresses = batch.columns.get("address")
        if addresses is None:
            return batch
        users = batch.columns.get("user", [self.user] * len(addresses))
        ours = {*self.addresses, self.candidate}
        left = [
            place
            for place, (user, address) in enumerate(zip(users, addresses, strict=True))
            if user != self.user or address not in ours
        ]
        return batch if len(left) == len(addresses) else batch.at(left)

    def logins(self, batch: Batch) -> list[Sighting]:
        """Return the lines of a batch that tell of a login of our user, whoever it was."""
        if batch.rule.id not in LOGIN_RULES:
            return []
        return [batch.sighting(place) for place, user in enumerate(batch.columns["user"]) if user == self.user]


def sort_out(own: OwnLogins, logins: Sequence[Sighting]) -> tuple[frozenset[str], Sequence[Sighting]]:
    """Return the addresses that are ours, and the logins of our user from elsewhere.

    Where the host never saw us come from an address that we know of (a router hides it), nobody can tell the two apart.
    """
    seen = {login.match.fields["address"] for login in logins}
    ours = own.addresses | ({own.candidate} & seen if own.candidate else frozenset())
    if not ours:
        return frozenset(), ()
    foreign = [login for login in logins if login.match.fields["address"] not in ours]
    return ours, [login._replace(match=Match(FOREIGN_LOGIN, login.match.fields)) for login in foreign]
