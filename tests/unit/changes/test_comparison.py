"""What differs between two inventories: nothing that is unknown, and nothing twice."""

from dataclasses import replace

import pytest
from hypothesis import given

from dthostmon.changes import differences, merged
from dthostmon.model import AuthorizedKey, Difference, Inventory, Package, Port, Service, Thing, ThingKind, WatchedFile
from tests.fixtures.things import EVE, INVENTORIES, NGINX, whole

COMPOSE = WatchedFile("/opt/app/compose.yaml", 4, 0o644, "root", "root", "a", "x")
SERVICES = frozenset({ThingKind.SERVICE})
NEWER = replace(NGINX, version="1.26.0-1")


def test_things_appear_go_and_change() -> None:
    port = Port("tcp", "*", 4444, "nc")
    before = whole(NGINX, EVE, kinds=(ThingKind.PORT,))
    assert differences(before, whole(NEWER, port, kinds=(ThingKind.USER,))) == (
        Difference(NGINX, NEWER),
        Difference(None, port),
        Difference(EVE, None),
    )


def test_what_is_not_compared_is_no_difference() -> None:
    assert differences(whole(NGINX), whole(replace(NGINX, owns=()))) == ()


def test_a_kind_that_was_not_told_before_is_no_difference() -> None:
    assert differences(whole(NGINX), whole(NGINX, EVE)) == ()


def test_what_is_unknown_now_is_compared_when_it_is_known_again() -> None:
    blind = Inventory((), {ThingKind.PACKAGE: "no rights"}, frozenset({ThingKind.PACKAGE}))
    assert differences(whole(NGINX), blind) == ()
    known = merged(whole(NGINX), blind)
    assert known == whole(NGINX)
    assert differences(known, whole(NEWER)) == (Difference(NGINX, NEWER),)


def test_of_a_kind_known_in_part_nothing_appears_when_more_of_it_is_seen() -> None:
    partly = Inventory((NGINX,), {ThingKind.PACKAGE: "cut"}, frozenset({ThingKind.PACKAGE}))
    curl = Package("curl", "8")
    assert differences(partly, whole(NEWER, curl)) == (Difference(NGINX, NEWER),)


ROOT, ANN, BOB = (AuthorizedKey(user, "/k", f"SHA256:{user}", "ssh-ed25519") for user in ("root", "ann", "bob"))


def keys_but_of(*users: str, things: tuple[AuthorizedKey, ...]) -> Inventory:
    unseen = {ThingKind.KEY: {f"{user} ": "no rights" for user in users}} if users else {}
    return Inventory(things, kinds=frozenset({ThingKind.KEY}), unseen=unseen)


def test_what_is_unseen_of_a_kind_hides_nothing_else_of_it() -> None:
    before, after = keys_but_of("root", things=()), keys_but_of("root", things=(ANN,))
    assert differences(before, after) == (Difference(None, ANN),)
    assert differences(after, before) == (Difference(ANN, None),)
    assert merged(before, after) == after
    assert differences(before, keys_but_of(things=(ROOT, ANN))) == (Difference(None, ANN),)


def test_what_is_unseen_now_is_compared_when_it_is_seen_again() -> None:
    before, blind = keys_but_of(things=(ANN, BOB)), keys_but_of("ann", "root", things=(BOB,))
    assert differences(before, blind) == ()
    known = merged(before, blind)
    assert known == before
    assert differences(known, keys_but_of(things=(BOB, ROOT))) == (Difference(ANN, None), Difference(None, ROOT))
    assert merged(Inventory(), blind) == blind
    missing = Inventory((), {ThingKind.KEY: "cut"}, frozenset({ThingKind.KEY}))
    assert set(merged(blind, missing).things) == {BOB}
    assert merged(blind, missing).unseen == blind.unseen


@pytest.mark.parametrize(
    ("told", "untold", "changed"),
    [
        (replace(EVE, locked=True), replace(EVE, locked=None), replace(EVE, locked=False)),
        (Port("tcp", "*", 22, "sshd", "root"), Port("tcp", "*", 22, "", "root"), Port("tcp", "*", 22, "nc", "root")),
        (COMPOSE, replace(COMPOSE, digest="", text=None), replace(COMPOSE, digest="b", text="y")),
        (COMPOSE, replace(COMPOSE, owner="", group="", mode=None), replace(COMPOSE, owner="eve")),
    ],
)
def test_a_field_that_was_not_told_is_no_difference(told: Thing, untold: Thing, changed: Thing) -> None:
    assert differences(whole(told), whole(untold)) == differences(whole(untold), whole(told)) == ()
    known = merged(whole(told), whole(untold))
    assert known == whole(told)
    assert differences(known, whole(changed)) == (Difference(told, changed),)


def test_units_whose_states_were_not_told_do_not_change_when_they_are() -> None:
    by_files = Inventory((Service("a", None, "enabled"),), {ThingKind.SERVICE: "no shell"}, SERVICES)
    running, disabled = (whole(Service("a", "active", enabled)) for enabled in ("enabled", "disabled"))
    assert differences(by_files, running) == differences(running, by_files) == ()
    assert merged(running, by_files) == running
    off = Difference(Service("a", None, "enabled"), Service("a", None, "disabled"))
    assert differences(by_files, disabled) == (off,)
    off_by_files = replace(by_files, things=(Service("a", None, "not enabled"),))
    assert differences(off_by_files, disabled) == differences(disabled, off_by_files) == ()
    assert len(differences(off_by_files, running)) == len(differences(running, off_by_files)) == 1
    job = Service("job", None, "enabled")  # what does its work and ends has no state until it fails
    assert len(differences(whole(job), whole(replace(job, active="failed", restarts=1)))) == 1


def test_a_file_that_holds_no_text_any_more_is_not_shown_with_its_old_one() -> None:
    binary = replace(COMPOSE, digest="b", text=None)
    assert differences(whole(COMPOSE), whole(binary)) == (Difference(COMPOSE, binary),)
    assert merged(whole(COMPOSE), whole(binary)) == whole(binary)


def test_what_was_told_on_neither_side_is_no_change() -> None:
    unread, empty = (WatchedFile("/etc/b", 0, text=text) for text in (None, ""))
    assert differences(whole(unread), whole(empty)) == differences(whole(empty), whole(unread)) == ()


@given(INVENTORIES)
def test_nothing_differs_from_itself(inventory: Inventory) -> None:
    assert differences(inventory, inventory) == ()
    assert differences(inventory, merged(inventory, inventory)) == ()


@given(INVENTORIES, INVENTORIES)
def test_unknown_kinds_neither_appear_nor_go(before: Inventory, after: Inventory) -> None:
    for difference in differences(before, after):
        kind, subject = difference.thing.kind, difference.thing.subject
        assert difference.before is not None or kind not in before.missing
        assert difference.after is not None or kind not in after.missing
        assert difference.before is not None or subject[0] not in before.unseen.get(kind, {})
        assert difference.after is not None or subject[0] not in after.unseen.get(kind, {})


@given(INVENTORIES, INVENTORIES)
def test_what_was_told_is_not_told_again(before: Inventory, after: Inventory) -> None:
    told_again = differences(merged(before, after), after)
    assert [one for one in told_again if one.after is not None] == []


@given(INVENTORIES, INVENTORIES)
def test_whole_inventories_differ_the_other_way_round(before: Inventory, after: Inventory) -> None:
    one, other = replace(before, missing={}, unseen={}), replace(after, missing={}, unseen={})
    turned = tuple(Difference(each.after, each.before) for each in differences(other, one))
    assert differences(one, other) == turned


def test_what_a_configuration_watches_now_is_not_new() -> None:
    curl = Package("curl", "8")
    before, after = replace(whole(NGINX), scope="a"), replace(whole(NEWER, curl), scope="a b")
    assert differences(before, after) == (Difference(NGINX, NEWER),)
    assert differences(after, before) == (Difference(NEWER, NGINX),)
    assert merged(before, after) == after
