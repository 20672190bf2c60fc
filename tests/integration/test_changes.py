"""What a check tells of changes: from this machine's own files to the stored run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from dthostmon.cycle import HostChecks
from dthostmon.model import ChangePolicy, Expectation, Host, Run, Severity, StoredInventory, ThingKind
from dthostmon.store import ChangesWanted, Store
from tests.integration.test_cycle import make_checks, make_host

BEGIN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FAILED_UNIT = "Nov 23 09:00:01 here systemd[1]: app.service: Failed with result 'exit-code'.\n"


class Visits:
    """Checks one host, an hour later each time."""

    def __init__(self, store: Store, host: Host) -> None:
        self.checks, self.host, self.at = make_checks(store), host, BEGIN

    async def next(self, hours: float = 1) -> Run:
        self.at += timedelta(hours=hours)
        parts = replace(self.checks.parts, clock=lambda: self.at)
        return await HostChecks(parts, 1).check(self.host)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "app.conf"
    path.write_text("port: 1\n")
    return path


@pytest.fixture
def visits(store: Store, log: Path, settings: Path) -> Visits:
    globs = (str(settings), f"{settings.parent}/*.pem")
    return Visits(store, replace(make_host("web1", log), probes=("files", "certificates"), files=globs))


def sentences(run: Run) -> list[str]:
    return [change.sentence for change in run.changes]


async def test_the_first_visit_is_what_later_ones_are_compared_with(visits: Visits, settings: Path) -> None:
    assert sentences(await visits.next()) == []
    assert sentences(await visits.next()) == []
    settings.write_text("port: 2\n")
    run = await visits.next()
    assert sentences(run) == [f"{settings}: port: 1 → port: 2"]
    assert (run.changes[0].expected, run.changes[0].severity) == (False, Severity.INFO)
    assert sentences(await visits.next()) == []


async def test_an_unchanged_visit_stores_no_inventory(visits: Visits, store: Store) -> None:
    await visits.next()
    before = await store.inventories("web1")
    await visits.next()
    assert await store.inventories("web1") == before


async def test_changes_stand_in_the_findings_that_follow_them(visits: Visits, settings: Path, log: Path) -> None:
    await visits.next()
    settings.write_text("port: 2\n")
    await visits.next()
    with log.open("a") as file:
        file.write(FAILED_UNIT)
    run = await visits.next()
    (finding,) = [one for one in run.findings if one.severity > Severity.INFO]
    assert [(change.subject, change.relation) for change in finding.changes] == [(str(settings), "app")]
    with log.open("a") as file:
        file.write(FAILED_UNIT)
    later = await visits.next(hours=30)
    assert [one.changes for one in later.findings if one.severity > Severity.INFO] == [()]


async def test_a_file_that_goes_and_comes_back_is_told_both_times(
    visits: Visits, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visits.next()
    folder = settings.parent
    hidden = folder.rename(folder.with_name("away"))
    gone = await visits.next()
    assert sentences(gone) == [f"{settings} is gone: 8 bytes 0644 root:root {gone.changes[0].before.split()[-1]}"]  # type: ignore[union-attr]  # it was there
    hidden.rename(folder)
    back = await visits.next()
    assert [change.before for change in back.changes] == [None]


async def test_what_is_wrong_is_told_at_each_visit_until_it_is_accepted(
    visits: Visits, settings: Path, store: Store
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("web.example.org", not_after=BEGIN + timedelta(hours=3))
    certificate.cert_chain_pems[0].write_to_path(str(settings.parent / "web.pem"))

    async def told() -> list[tuple[str, Severity]]:
        return [(one.kind, one.severity) for one in (await visits.next()).findings]

    assert await told() == [("certificate.ends", Severity.WARN)]
    assert await told() == [("certificate.ends", Severity.WARN)]
    assert await told() == [("certificate.ends", Severity.CRITICAL)]
    (thing,) = (await store.load_state("web1")).lasting["certificates"]
    await store.accept_states("web1", [f"{thing.kind} {thing.subject}: {thing.state}"])
    assert await told() == []
    await store.accept_states("web1", [])
    assert await told() == [("certificate.ends", Severity.CRITICAL)]


async def test_what_a_configuration_expects_is_listed_and_no_finding(store: Store, log: Path, settings: Path) -> None:
    policy = ChangePolicy({"file.rights": Severity.CRITICAL}, (Expectation(ThingKind.FILE, "*.conf", "we deploy"),))
    host = replace(make_host("web1", log), probes=("files",), files=(str(settings),), changes=policy)
    visits = Visits(store, host)
    await visits.next()
    settings.write_text("port: 2\n")
    run = await visits.next()
    assert [(change.expected, change.cause) for change in run.changes] == [(True, "we deploy")]
    assert run.score == 100


async def test_what_is_watched_from_now_on_is_not_new(visits: Visits, settings: Path) -> None:
    await visits.next()
    other = settings.with_name("other.conf")
    other.write_text("x\n")
    visits.host = replace(visits.host, files=(*visits.host.files, str(other)))
    assert sentences(await visits.next()) == []
    other.write_text("y\n")
    assert sentences(await visits.next()) == [f"{other}: x → y"]


async def test_a_probe_that_is_left_out_for_a_while_tells_what_changed_meanwhile(
    visits: Visits, settings: Path, store: Store
) -> None:
    await visits.next()
    whole = visits.host
    visits.host = replace(whole, probes=())
    settings.write_text("port: 2\n")
    assert sentences(await visits.next()) == []
    assert isinstance((await store.inventories("web1"))["files"], StoredInventory)
    visits.host = whole
    assert sentences(await visits.next()) == [f"{settings}: port: 1 → port: 2"]
    stored = await store.changes(ChangesWanted("web1"))
    assert [one.change.subject for one in stored.items] == [str(settings)]
