"""Which mounts are told: those that somebody set up, and how they can be written."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.mounts import MAX_MOUNTS, parse_mounts
from dthostmon.model import Mount, ThingKind
from tests.unit.facts.recorded import mutations, one_line, recorded

REAL = recorded("proc/mounts-debian-12.txt")
LINES = rb"""/dev/sda1 / ext4 rw,relatime,errors=remount-ro 0 0
/dev/sdb1 /srv/my\040data xfs ro,noatime 0 0
server:/export /mnt/nfs nfs4 rw,vers=4.2,rsize=1048576,wsize=1048576,clientaddr=192.0.2.7,addr=192.0.2.9 0 0
//server/share /mnt/cifs cifs rw,username=backup,password=hunter2,addr=192.0.2.9 0 0
tmpfs /run tmpfs rw 0 0
overlay /var/lib/docker/overlay2/abc/merged overlay rw,lowerdir=/a:/b 0 0
/dev/sda1 /var/lib/kubelet/pods/1/volumes/x ext4 rw 0 0
systemd-1 /mnt/auto autofs rw,fd=60 0 0
server:/auto /mnt/auto/home nfs4 rw 0 0
gvfsd-fuse /run/user/1000/gvfs fuse.gvfsd-fuse rw 0 0
sshfs /mnt/ssh fuse.sshfs rw,user_id=0 0 0
"""
FOUND = (
    Mount("/", "/dev/sda1", "ext4", ("rw", "relatime", "errors=remount-ro")),
    Mount("/mnt/cifs", "//server/share", "cifs", ("rw", "username=backup", "password=?")),
    Mount("/mnt/nfs", "server:/export", "nfs4", ("rw", "vers=4.2")),
    Mount("/mnt/ssh", "sshfs", "fuse.sshfs", ("rw",)),
    Mount("/srv/my data", "/dev/sdb1", "xfs", ("ro", "noatime")),
)


def test_lasting_mounts_are_told_without_what_changes_by_itself() -> None:
    assert parse_mounts({"mounts": one_line(LINES + b"end")}).things == FOUND
    assert parse_mounts({"mounts": LINES + b" end"}).things == FOUND
    assert [mount.is_read_only for mount in FOUND] == [False, False, False, False, True]


def test_a_real_list_has_its_disks_alone() -> None:
    assert [
        (mount.path, mount.filesystem)
        for mount in parse_mounts({"mounts": REAL + b" end"}).things
        if isinstance(mount, Mount)
    ] == [("/", "ext4")]


def test_a_container_has_its_root() -> None:
    told = b"overlay / overlay rw,relatime,lowerdir=/x:/y,upperdir=/z,workdir=/w 0 0 end"
    assert parse_mounts({"mounts": told}).things == (Mount("/", "overlay", "overlay", ("rw", "relatime")),)


def test_of_two_mounts_at_one_place_the_upper_one_is_told() -> None:
    told = b"/dev/sda1 /mnt ext4 rw 0 0 /dev/sdb1 /mnt ext4 ro 0 0 end"
    assert parse_mounts({"mounts": told}).things == (Mount("/mnt", "/dev/sdb1", "ext4", ("ro",)),)


def test_half_a_list_is_unknown_and_an_empty_one_is_known() -> None:
    assert ThingKind.MOUNT in parse_mounts({}).missing
    assert ThingKind.MOUNT in parse_mounts({"mounts": LINES}).missing
    assert parse_mounts({"mounts": b"end"}).missing == {}


def test_endless_mounts_are_cut_and_said_to_be() -> None:
    told = b" ".join(b"/dev/sda1 /mnt/%d ext4 rw 0 0" % number for number in range(MAX_MOUNTS + 1)) + b" end"
    known = parse_mounts({"mounts": told})
    assert len(known.things) == MAX_MOUNTS
    assert ThingKind.MOUNT in known.missing


@given(st.binary(max_size=300) | mutations("proc/mounts-debian-12.txt"))
def test_no_bytes_make_the_parser_fail(output: bytes) -> None:
    for mount in parse_mounts({"mounts": output + b" end"}).things:
        assert mount.subject.isprintable()
        assert mount.state.isprintable()
