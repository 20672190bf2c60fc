"""What is installed, from what managers list: recorded outputs, half outputs, and any bytes."""

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts import packages
from dthostmon.facts.packages import mark_of, packages_probe, parse_packages
from dthostmon.model import Inventory, Package, ThingKind, Updates

DATA = Path(__file__).parents[2] / "testdata/facts/packages"
RECORDED = sorted(path.name for path in DATA.glob("*.txt"))


def told(name: str) -> bytes:
    return (DATA / name).read_bytes()


def parsed(output: bytes) -> Inventory:
    return parse_packages({"list": output})


def packages_of(inventory: Inventory) -> dict[str, Package]:
    return {thing.name: thing for thing in inventory.things if isinstance(thing, Package)}


def versions(inventory: Inventory) -> dict[str, str]:
    return {name: package.version for name, package in packages_of(inventory).items()}


def updates_of(inventory: Inventory) -> Updates | None:
    return next((thing for thing in inventory.things if isinstance(thing, Updates)), None)


def test_debian_tells_packages_with_their_files_and_updates() -> None:
    inventory = parsed(told("debian-12.txt"))
    assert not inventory.missing
    found = packages_of(inventory)
    assert len(found) == 19
    assert found["bash"].version == "5.2.15-2+b8"
    assert "/usr/lib/openssh/ssh-keysign" in found["openssh-client"].owns
    assert {"/bin/su", "/usr/bin/su", "/etc/pam.d/su"} <= set(found["util-linux"].owns)
    assert "/etc/pam.d" not in found["util-linux"].owns
    assert updates_of(inventory) == Updates(security=4, reboot=None)


def test_states_of_dpkg_that_are_no_installation_are_left_out() -> None:
    found = versions(parsed(told("ubuntu-24.04-sample.txt")))
    assert found["nginx"] == "1.24.0-2ubuntu7.1 (half-configured)"
    assert {"man-db", "tzdata"} <= found.keys()
    assert not {"ghost", "linux-image-6.8.0-31-generic"} & found.keys()


def test_another_architecture_is_another_package() -> None:
    found = packages_of(parsed(told("ubuntu-24.04-sample.txt")))
    assert found["libc6"].owns == ("/etc/ld.so.conf.d/x86_64-linux-gnu.conf",)
    assert found["libc6:i386"].owns == ("/etc/ld.so.conf.d/zz_i386-biarch-compat.conf",)


def test_snaps_and_flatpaks_say_whose_they_are() -> None:
    found = versions(parsed(told("ubuntu-24.04-sample.txt")))
    assert found["snap:core22"] == "20240731 (1621)"
    assert found["snap:lxd"] == "5.21.2-2f4ba6b (29619)"
    assert found["flatpak:org.gnome.Maps"] == "stable (0123456789ab)"
    assert found["flatpak:org.gnome.Platform"] == "45 (fedcba987654), 46 (aaaaba987654)"


def test_ubuntu_tells_updates_and_what_asks_for_a_reboot() -> None:
    assert updates_of(parsed(told("ubuntu-24.04-sample.txt"))) == Updates(
        security=7, reboot=("linux-image-6.8.0-44-generic", "linux-base", "kernel 6.8.0-44-generic")
    )


def test_folders_that_hold_files_of_a_package_are_no_files() -> None:
    listed = b"".join(b"bash.list:/etc/%s\n" % name for name in (b"foo", b"foo.conf", b"foo/a", b"foo/a/b", b"fo"))
    found = packages_of(parsed(told("debian-12.txt").replace(b"=end dpkg-files", listed + b"=end dpkg-files")))
    assert {"/etc/fo", "/etc/foo.conf", "/etc/foo/a/b"} <= set(found["bash"].owns)
    assert not {"/etc/foo", "/etc/foo/a"} & set(found["bash"].owns)


def test_versions_of_one_rpm_are_joined_and_epochs_shown() -> None:
    inventory = parsed(told("rpm-4.18.txt"))
    assert versions(inventory) == {
        "kernel": "5.14.0-427.13.1.el9_4, 5.14.0-503.el9",
        "nginx": "1:1.24.0-1.el9",
        "nginx.i686": "1:1.24.0-1.el9",
        "rpm": "4.16.1.3-29.el9",
        "tzdata": "2024a-1.el9",
    }
    assert packages_of(inventory)["nginx"].owns == (
        "/etc/nginx/nginx.conf",
        "/usr/bin/nginx",
        "/usr/lib/systemd/system/nginx.service",
    )
    assert inventory.missing == {ThingKind.UPDATES: "nothing on the host tells of them"}


def test_a_damaged_database_of_rpm_is_no_empty_list() -> None:
    inventory = parsed(told("rpm-4.18-damaged.txt"))
    assert not packages_of(inventory)
    assert inventory.missing[ThingKind.PACKAGE].startswith("rpm did not list all")


def test_apk_tells_settings_and_setuid_files() -> None:
    inventory = parsed(told("alpine-3.20-sample.txt"))
    found = packages_of(inventory)
    assert versions(inventory) == {
        "busybox": "1.36.1-r28",
        "openrc": "0.54-r1",
        "shadow": "4.15.1-r0",
        "tzdata": "2024a-r1",
    }
    assert found["shadow"].owns == ("/etc/login.defs", "/usr/bin/passwd")
    assert found["openrc"].owns == ("/etc/init.d/cgroups", "/etc/init.d/networking")
    assert updates_of(inventory) == Updates(security=None, reboot=())


def test_a_file_of_apk_with_a_folder_in_its_name_is_none() -> None:
    found = packages_of(parsed(b"=begin apk\nP:a\nV:1-r0\nF:etc\nR:b/c\na:0:0:4755\nR:d\n\n=end apk\n"))
    assert found["a"].owns == ("/etc/d",)


def test_pacman_tells_names_by_its_folders() -> None:
    inventory = parsed(told("pacman-6.0.txt"))
    assert versions(inventory) == {"bash": "5.2.026-2", "gtk-doc": "1:1.34.0-1"}
    assert packages_of(inventory)["gtk-doc"].owns == ("/etc/gtk-doc.conf", "/usr/lib/systemd/system/gtk-doc.service")


def test_a_stamp_is_the_mark_and_is_compared_by_the_host() -> None:
    for name in ("debian-12.txt", "rpm-4.18.txt", "pacman-6.0.txt"):
        mark = mark_of({"list": told(name)})
        assert told(name).startswith(f"=stamp {mark}\n".encode())
        assert mark_of({"list": f"=stamp {mark}\n".encode()}) == mark
        assert packages_probe((), mark).commands["list"].startswith(f"before={shlex.quote(mark)}\n")


def test_a_list_that_failed_is_asked_for_again() -> None:
    mark = mark_of({"list": told("rpm-4.18-damaged.txt")})
    assert packages_probe((), mark).commands["list"].startswith("before=''\n")
    half = told("debian-12.txt").partition(b"=end dpkg\n")[0]
    assert mark_of({"list": half}) not in half.decode()
    assert "dpkg did not list all" in parsed(half).missing[ThingKind.PACKAGE]
    assert len(packages_of(parsed(half))) == 19


def test_a_mark_that_is_no_stamp_is_never_sent() -> None:
    for mark in ("x'; touch /tmp/x; '", "!files 1 2 3 4 5 6", "short", "a\nb" * 20, "é" * 20, None):
        assert packages_probe((), mark).commands["list"].startswith("before=''\n"), mark


def test_what_is_not_told_is_missing_and_not_empty() -> None:
    for output in (b"", b"=stamp 2026-11-27 21:54:21.062023689 +0000\n"):
        inventory = parsed(output)
        assert not inventory.things
        assert inventory.missing.keys() == {ThingKind.PACKAGE, ThingKind.UPDATES}
    none = b"=stamp x\n=begin updates\nkernel 6.1.0\n=end updates\n"
    assert "no database" in parsed(none).missing[ThingKind.PACKAGE]
    assert "no database" in parsed(b"=begin rpm\n=end rpm\n").missing[ThingKind.PACKAGE]


def test_the_manager_of_the_system_is_a_package_of_its_own() -> None:
    debian = told("debian-12.txt")
    alien = b"=begin rpm\nP\tgame\t1-1\tx86_64\n=end rpm\n"
    found = versions(parsed(debian + alien))
    assert found["rpm:game"] == "1-1"
    assert "bash" in found
    many = b"".join(b"P\tgame%d\t1-1\tx86_64\n" % number for number in range(50))
    assert "bash" in versions(parsed(debian + b"=begin rpm\n" + many + b"=end rpm\n"))


def test_another_manager_that_fails_hides_only_what_is_its_own() -> None:
    inventory = parsed(told("debian-12.txt") + b"=begin rpm\nP\tgame\t1-1\tx86_64\n=begin snap\n")
    assert {"bash", "rpm:game"} <= versions(inventory).keys()
    assert ThingKind.PACKAGE not in inventory.missing
    assert inventory.unseen[ThingKind.PACKAGE].keys() == {"rpm:", "snap:"}
    cut = parsed(b"=begin dpkg\n=begin rpm\nP\tgame\t1-1\tx86_64\n=end rpm\n=begin updates\n=end updates\n")
    assert cut.missing[ThingKind.PACKAGE].startswith("dpkg did not list all")


def test_too_many_packages_are_said_to_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_PACKAGES", 10)
    inventory = parsed(told("debian-12.txt"))
    assert len(packages_of(inventory)) == 10
    assert inventory.missing[ThingKind.PACKAGE] == "there are more than 10"


def test_hostile_names_are_shown_plainly() -> None:
    output = b"=begin dpkg\nPackage: a\x1b[31m\xff\nStatus: install ok installed\nVersion: 1\xe2\x80\xae\n\n=end dpkg\n"
    assert versions(parsed(output)) == {"a?[31m\ufffd": "1?"}


@pytest.mark.parametrize("name", RECORDED)
@given(data=st.data())
def test_any_damage_is_read_without_invention(name: str, data: st.DataObject) -> None:
    whole = told(name)
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    output = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    inventory = parsed(output)
    mark_of({"list": output})
    for package in packages_of(inventory).values():
        assert package.name.isprintable()
        assert package.version.isprintable()
    subjects = [thing.subject for thing in inventory.things]
    assert len(subjects) == len(set(subjects))


@given(st.lists(st.sampled_from([*re.findall(rb".+\n", b"".join(map(told, RECORDED)))[:400], b"\n"]) | st.binary()))
def test_any_lines_are_read(lines: list[bytes]) -> None:
    parsed(b"".join(lines))
