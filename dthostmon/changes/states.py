"""What is wrong on a host as it is, whoever changed it and whenever. Pure.

Most of it is in the table of changes, marked as a state; when a certificate ends depends on the day.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from dthostmon.changes.sentences import named, shown_fields
from dthostmon.changes.table import Entry, entries
from dthostmon.changes.wording import Wording, cut
from dthostmon.model import Certificate, Finding, FindingSource, Inventory, Severity, Thing

EXPIRES_CRITICAL_DAYS = 0
EXPIRES_WARN_DAYS = 7
EXPIRES_INFO_DAYS = 21  # issuers of certificates for 90 days say that they are renewed 30 days before
RENEW = "Renew it, and have the services that use it load it again."


def lasting(inventory: Inventory) -> tuple[Thing, ...]:
    """Return the things of an inventory that are wrong, or will be by themselves: what each visit looks at again."""
    return tuple(thing for thing in inventory.things if isinstance(thing, Certificate) or _entry(thing))


def state_findings(things: Iterable[Thing], accepted: Collection[str], now: datetime) -> Iterator[Finding]:
    """Yield what is wrong, but for what was accepted as it is, by `name_of`."""
    for thing in things:
        if name_of(thing) in accepted:
            continue
        if isinstance(thing, Certificate):
            yield from _ending(thing, now)
        elif entry := _entry(thing):
            yield _finding(thing, entry.id, entry.severity, f"{named(thing)}: {thing.state}", entry.action)


def acceptable(things: Iterable[Thing], now: datetime) -> tuple[str, ...]:
    """Return the names of what is wrong now and stays as it is. A certificate that has still to end does not."""
    wrong = (thing for thing in things if not isinstance(thing, Certificate) or thing.expires_at <= now)
    return tuple(sorted(name_of(thing) for thing in wrong if any(state_findings([thing], (), now))))


def name_of(thing: Thing) -> str:
    """Name a thing in the state that it is in."""
    return f"{thing.kind} {thing.subject}: {thing.state}"


def _entry(thing: Thing) -> Entry | None:
    values = shown_fields(thing)
    wording = Wording(thing.subject, None, thing.state, "", values=values)
    return next((entry for entry in entries() if entry.is_state and entry.holds(thing.kind, wording.values)), None)


def _ending(certificate: Certificate, now: datetime) -> Iterator[Finding]:
    days = (certificate.expires_at - now).total_seconds() / 86400
    if days > EXPIRES_INFO_DAYS:
        return
    if days <= EXPIRES_CRITICAL_DAYS:
        severity, said = Severity.CRITICAL, f"ended on {certificate.expires_at:%Y-%m-%d}"
    else:
        severity = Severity.WARN if days <= EXPIRES_WARN_DAYS else Severity.INFO
        said = f"ends in {days:.0f} days" if days >= 1.5 else f"ends on {certificate.expires_at:%Y-%m-%d %H:%M} UTC"
    title = f"the certificate {certificate.name} at {certificate.where} {said}"
    yield _finding(certificate, "certificate.ends", severity, title, RENEW)


def _finding(thing: Thing, kind: str, severity: Severity, title: str, action: str) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        title=cut(title),
        source=FindingSource.CHANGE,
        rule=f"change.{kind}",
        recommended_action=action,
        fields={"subject": thing.subject},
    )
