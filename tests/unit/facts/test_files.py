"""What is made of watched files and of files that run with others' rights."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts import records, secrets, setuid
from dthostmon.facts.files import names_of, parse_files
from dthostmon.facts.plain import lines, plain
from dthostmon.model import SetuidFile, ShellHistory, ThingKind, WatchedFile
from tests.unit.facts.recorded import mutations, recorded

PASSWD = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbad:x:y:0::/:/bin/sh\neve:x:1000:1000::/:/bin/sh\n"
ALL_SEEN: records.Record = {"files": [], "histories": []}


def told(*files: records.Record, **outputs: bytes) -> dict[str, bytes]:
    return {"watched": records.written([ALL_SEEN, *files]), "setuid": b"end\n", "users": PASSWD, **outputs}


def file(path: str, held: bytes) -> records.Record:
    facts = {"size": len(held), "mtime": 1_700_000_000, "mode": 0o640, "uid": 1000, "gid": 12}
    return {"path": path, "digest": "abc", "content": held, **facts}


def text_of(path: str, held: bytes) -> str | None:
    [found] = parse_files(told(file(path, held))).things
    assert isinstance(found, WatchedFile)
    return found.text


def test_a_file_has_the_names_of_its_owner_where_these_are_told() -> None:
    [found] = parse_files(told(file("/etc/app.conf", b"a = 1\n"))).things
    assert found.state == "6 bytes 0640 eve:12 abc"
    assert isinstance(found, WatchedFile)
    assert found.text == "a = 1\n"
    assert found.modified_at is not None
    assert names_of(PASSWD) == {0: "root", 1000: "eve"}


def test_a_secret_is_taken_out_of_a_text_of_any_length() -> None:
    text = text_of("/opt/app/.env", b"# filler\n" * 20_000 + b"DB_PASSWORD=hunter2hunter2\n")
    assert text is not None
    assert text.endswith("DB_PASSWORD=[redacted: password]\n")
    assert text.count("# filler\n") == 20_000


def test_keys_are_never_text() -> None:
    key = b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"
    for path, held in {
        "/etc/shadow": b"root:*:1::\n",
        "/etc/ssl/x.key": b"x",
        "/root/.ssh/id_rsa": b"x",
        "/a": key,
    }.items():
        assert text_of(path, held) is None, path
    assert text_of("/root/.ssh/id_rsa.pub", b"ssh-rsa AAAA eve\n") is not None


def test_what_is_no_text_has_none() -> None:
    assert text_of("/a", b"\xff\xfe") is None
    assert text_of("/a", b"a\0b") is None
    assert text_of("/a", b"\x1b[31mred\r\n\ttab\n") == "\\x1b[31mred\\x0d\n\ttab\n"


def test_a_line_without_an_end_is_left_out() -> None:
    text = secrets.redacted("first\n" + "x" * (secrets.LONGEST_LINE + 1) + "\nlast\n")
    assert text == f"first\n[left out: a line of {secrets.LONGEST_LINE + 2} characters]\nlast\n"


def test_a_history_is_told_as_its_commands() -> None:
    record: records.Record = {"path": "/root/.bash_history", "history": b"alf\nls\n", "cut": True}
    assert parse_files(told(record)).things == (ShellHistory("/root/.bash_history", ("ls",)),)


def test_what_could_not_be_looked_at_is_missing() -> None:
    refused: records.Record = {"files": ["/opt/a: permission denied"], "histories": []}
    known = parse_files({"watched": records.written([refused]), "setuid": b"end"})
    assert known.missing == {ThingKind.FILE: "/opt/a: permission denied"}
    assert parse_files({}).missing.keys() == {ThingKind.FILE, ThingKind.HISTORY, ThingKind.SETUID}


def test_setuid_files_are_told_by_both_kinds_of_tools() -> None:
    for name in ("find/debian-12.txt", "find/busybox.txt"):
        found, missing = setuid.parse(recorded(name), {0: "root"})
        assert SetuidFile("/usr/bin/passwd", "root", 0o4755) in found
        assert missing == {}
    assert setuid.parse(b"4755 0 /usr/bin/su\n", {})[1].keys() == {ThingKind.SETUID}
    assert setuid.parse(b"end\n", {}) == ((), {})


def test_a_name_that_holds_a_new_line_makes_up_no_file() -> None:
    found, _ = setuid.parse(b"4755 1000 /srv/a\n4755 0 b\nend\n", {})
    assert found == (SetuidFile("/srv/a", "1000", 0o4755),)
    assert setuid.parse(b"0755 0 /usr/bin/plain\n4755 0 \nend\n", {})[0] == ()


@given(st.binary(max_size=200) | mutations("find/debian-12.txt").filter(lambda raw: raw.endswith(b"end\n")))
def test_any_lines_give_files_that_can_be_shown(output: bytes) -> None:
    for thing in setuid.parse(output, {})[0]:
        assert thing.subject.isprintable()
        assert thing.mode & 0o6000


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["path", "size", "mtime", "mode", "uid", "gid", "digest", "content", "history", "cut", "files", "histories"]


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), json), max_size=4), st.binary(max_size=100))
def test_any_records_give_things_that_can_be_shown(found: list[dict[str, object]], noise: bytes) -> None:
    known = parse_files({"watched": records.written(found) + b"\n" + noise, "setuid": noise, "users": noise})
    for thing in known.things:
        assert thing.subject.isprintable()
        assert thing.state.isprintable()


@given(st.binary(max_size=300))
def test_no_bytes_make_a_reader_of_records_fail(output: bytes) -> None:
    for record in records.read(output + b"\n" + b"[" * 100_000):
        records.text(record, "path")


@given(st.text(max_size=50))
def test_a_shown_text_has_lines_and_tabs_alone(text: str) -> None:
    assert "".join(lines(text).split("\n")).replace("\t", "").isprintable()
    assert plain(text).isprintable()
