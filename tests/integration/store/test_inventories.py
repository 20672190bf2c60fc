"""What is on hosts and what changed there, over SQLite and over PostgreSQL."""

import inspect
from dataclasses import replace

from dthostmon import model
from dthostmon.model import (
    Certificate,
    Change,
    Clock,
    Container,
    Drive,
    Group,
    Inventory,
    Package,
    Port,
    PriorChange,
    Service,
    Severity,
    ShellHistory,
    StoredInventory,
    Thing,
    ThingKind,
    Updates,
    User,
    Visit,
    WatchedFile,
)
from dthostmon.store import ChangesWanted, Store
from tests.integration.store.visits import at, finding, run

THINGS: tuple[Thing, ...] = (
    Package("nginx", "1.24", ("/etc/nginx/nginx.conf",), at(1)),
    Updates(3, ("linux-image",)),
    User("eve", 1001, 1001, "/home/eve", "/bin/sh", locked=True),
    Group("sudo", 27, ("bob", "eve")),
    Service("nginx.service", None, "enabled", 2, "/lib/x", at(2)),
    Port("tcp", "::", 80, "nginx"),
    Container("docker", "web", "nginx:1", "sha256:aa", "running", ports=("80",), started_at=at(3)),
    WatchedFile("/etc/x", 2**40, 0o644, "root", "root", "aa", "a\nb \ud800", at(4)),
    Certificate("/etc/x.pem", "CN=x", "CN=y", "ff", at(9)),
    Clock(None, -0.25, "ntp"),
    Drive("sda", "m", "s", "PASSED", ("w",)),
    ShellHistory("/root/.bash_history", ("ls", "cd")),
)
UNSEEN = {ThingKind.KEY: {"root ": "no rights"}}
INVENTORY = Inventory(THINGS, {ThingKind.SUDO: "no rights"}, frozenset(ThingKind), unseen=UNSEEN)
STORED = StoredInventory("mark1", INVENTORY)
CHANGE = Change(
    *(ThingKind.PACKAGE, "nginx", "1.24", None, "nginx 1.24 removed", Severity.WARN, True, at(0), "because"),
    happened_at=at(-5),
    diff="-a\n+b",
    words=("nginx", "/etc/nginx"),
)


def test_each_noun_of_a_thing_is_known_by_its_kind() -> None:
    nouns = [
        made
        for made in vars(model).values()
        if inspect.isclass(made) and isinstance(getattr(made, "kind", None), ThingKind)
    ]
    assert {made.kind for made in nouns} == set(ThingKind)
    assert len(nouns) == len(ThingKind)


async def test_an_inventory_comes_back_as_it_was(store: Store) -> None:
    await store.save_run(Visit(run(), inventories={"packages": STORED, "users": StoredInventory("m", Inventory())}))
    safe = replace(INVENTORY, things=tuple(_safe(thing) for thing in THINGS))
    assert await store.inventories("web1") == {
        "packages": StoredInventory("mark1", safe),
        "users": StoredInventory("m", Inventory()),
    }
    assert (await store.inventories("web1", ["users"])).keys() == {"users"}
    assert (await store.load_state("web1")).marks == {"packages": "mark1", "users": "m"}
    assert await store.inventories("web2") == {}


def _safe(thing: Thing) -> Thing:
    return replace(thing, text="a\nb \\ud800") if isinstance(thing, WatchedFile) else thing


async def test_what_hosts_share_is_stored_once_and_goes_when_none_has_it(store: Store) -> None:
    await store.save_run(Visit(run(), inventories={"packages": STORED}))
    await store.save_run(Visit(run(host="web2"), inventories={"packages": replace(STORED, mark="other")}))
    newer = StoredInventory("mark2", replace(INVENTORY, things=THINGS[:1]))
    await store.save_run(Visit(run(minutes=1), inventories={"packages": newer}))
    assert (await store.prune(at(-9), at(-9))).inventories == 0
    await store.save_run(Visit(run(host="web2", minutes=1), inventories={"packages": newer}))
    assert (await store.prune(at(-9), at(-9))).inventories == 1
    assert (await store.inventories("web2"))["packages"].mark == "mark2"


async def test_changes_belong_to_the_run_that_saw_them(store: Store) -> None:
    saved = await store.save_run(Visit(replace(run(), changes=(CHANGE, replace(CHANGE, subject="curl")))))
    assert [change.subject for change in saved.changes] == ["nginx", "curl"]
    assert saved.id is not None
    found = await store.run(saved.id)
    assert found is not None
    assert found.changes == saved.changes
    assert replace(found.changes[0], id=None) == CHANGE


async def test_changes_are_told_by_host_time_and_kind(store: Store) -> None:
    for minutes, kind in ((0, ThingKind.PACKAGE), (1, ThingKind.PORT), (2, ThingKind.PORT)):
        change = replace(CHANGE, kind=kind, seen_at=at(minutes), subject=str(minutes))
        await store.save_run(Visit(replace(run(minutes=minutes), changes=(change,))))
    await store.save_run(Visit(replace(run(host="web2", minutes=3), changes=(replace(CHANGE, seen_at=at(3)),))))

    async def subjects(wanted: ChangesWanted) -> list[str]:
        return [one.change.subject for one in (await store.changes(wanted)).items]

    assert await subjects(ChangesWanted()) == ["nginx", "2", "1", "0"]
    assert await subjects(ChangesWanted("web1", at(1))) == ["2", "1"]
    assert await subjects(ChangesWanted("web1", None, ThingKind.PACKAGE)) == ["0"]
    page = await store.changes(ChangesWanted("web1"), limit=2)
    assert page.next is not None
    assert [one.change.subject for one in (await store.changes(ChangesWanted("web1"), 2, page.next)).items] == ["0"]


async def test_a_finding_keeps_what_changed_before_it(store: Store) -> None:
    prior = PriorChange("package", "nginx", "nginx 1 → 2", at(-3), expected=False, relation="nginx")
    await store.save_run(Visit(replace(run(), findings=(replace(finding(), changes=(prior,)),))))
    (found,) = (await store.findings("web1")).items
    assert found.finding.changes == (prior,)


async def test_two_thousand_packages_come_back(store: Store) -> None:
    packages = tuple(Package(f"lib{number}", f"1.{number}") for number in range(2000))
    await store.save_run(Visit(run(), inventories={"packages": StoredInventory("m", Inventory(packages))}))
    assert len((await store.inventories("web1"))["packages"].inventory.things) == 2000
