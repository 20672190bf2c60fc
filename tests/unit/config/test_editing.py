"""Hosts added to and removed from a file: what is there stays as it is, character by character."""

from pathlib import Path

import pytest

from dthostmon.config import example_text, starter_text
from dthostmon.config.document import parse
from dthostmon.config.editing import _checked, add_host, remove_host
from dthostmon.errors import ConfigurationError

NEW = {"name": "new1", "hostname": "2001:db8::1", "user": "monitor", "port": 2222, "tags": ["web", "12"]}
BLOCK = """\
  - name: new1
    hostname: "2001:db8::1"
    user: monitor
    port: 2222
    tags: [web, "12"]
"""
FLOW = '{name: new1, hostname: "2001:db8::1", user: monitor, port: 2222, tags: [web, "12"]}'

LITERAL = "hosts:\n  - name: a\n    x: |\n      # y\n\na: 1\n"
COMMENTED = """\
# ours
monitoring: {interval:   1h}   # two  spaces, and a line that is longer than any width that a program might fold it to, all kept
sites: {here: &here {thresholds: {disk: {critical: 85}}}, 'there': *here}

hosts:
  # Chicago
  - name: 'web1'   # the first
    hostname: web1.example.org
    logs: ["/var/log/syslog",
           "/var/log/auth.log"]
    # user: monitor

  # Berlin
  - {name: db1, hostname: db1.example.org}  # in one line

  # Rome
  -   name: "web2"
      hostname:   web2.example.org
      # enabled: false

# the end
retention: {runs: 90d}
"""  # noqa: E501  # the long line is what is tested


def names(text: str) -> list[str]:
    document, problems = parse(text, "test.yaml")
    assert not problems
    hosts = document.tree["hosts"]
    assert isinstance(hosts, list)
    return [str(host["name"]) for host in hosts if isinstance(host, dict)]


def test_a_host_goes_below_the_last_one_and_what_belongs_to_it() -> None:
    added = "\n  -   name: new1\n" + BLOCK.partition("\n")[2].replace("    ", "      ")
    before, after = COMMENTED.split("\n# the end")
    assert add_host(COMMENTED, "test.yaml", NEW) == f"{before}{added}\n# the end{after}"


def test_a_host_that_is_added_to_the_example_goes_below_its_commented_keys() -> None:
    text = example_text()
    assert add_host(text, "test.yaml", NEW) == text + BLOCK


def test_a_host_that_is_added_to_the_first_file_goes_above_the_comment_that_explains_hosts() -> None:
    text = starter_text("here", ["/var/log/syslog"])
    edited = add_host(text, "test.yaml", NEW)
    assert f"      - /var/log/syslog\n{BLOCK}\n  # A machine that is reached over ssh." in edited
    assert edited.replace(BLOCK, "") == text


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("a: 1\n", f"a: 1\n\nhosts:\n{BLOCK}"),
        ("a: 1", f"a: 1\n\nhosts:\n{BLOCK}"),
        ("a: 1\n...\n# x\n", f"a: 1\n\nhosts:\n{BLOCK}...\n# x\n"),
        ("hosts: []\n", f"hosts:\n{BLOCK}"),
        ("hosts: []  # none\na: 1\n", f"hosts:  # none\n{BLOCK}a: 1\n"),
        ("hosts:\n  # none\n  []\na: 1\n", f"hosts:\n  # none\n{BLOCK}a: 1\n"),
        ("hosts:\n# none\na: 1\n", f"hosts:\n{BLOCK}# none\na: 1\n"),
        ("hosts: null", f"hosts:\n{BLOCK}"),
        ("hosts:\n- name: a", "hosts:\n- name: a\n" + BLOCK.replace("  - ", "- ").replace("    ", "  ")),
        ("hosts:\n  - {name: a}\n", f"hosts:\n  - {{name: a}}\n  - {FLOW}\n"),
        ("hosts: [{name: a}]\n", f"hosts: [{{name: a}}, {FLOW}]\n"),
        ("{hosts: []}", f"{{hosts: [{FLOW}]}}"),
        ("hosts: [  # all\n  {name: a}  # a\n  ]\n", f"hosts: [  # all\n  {{name: a}},  # a\n  {FLOW}\n  ]\n"),
        ("hosts: [\n  {name: a},\n  ]\n", f"hosts: [\n  {{name: a}},\n  {FLOW},\n  ]\n"),
        ("hosts: [\n  # none\n  ]\n", f"hosts: [\n  # none\n  {FLOW}]\n"),
        (
            "hosts:\n  - name: a\n    x: |\n      # y\n\na: 1\n",
            f"hosts:\n  - name: a\n    x: |\n      # y\n\n{BLOCK}a: 1\n",
        ),
        ("hosts:\n  -\n    name: a\n", f"hosts:\n  -\n    name: a\n{BLOCK}"),
    ],
)
def test_every_way_to_write_hosts_takes_one_more(text: str, edited: str) -> None:
    assert add_host(text, "test.yaml", NEW) == edited


def test_windows_line_ends_stay() -> None:
    edited = add_host("a: 1\r\nhosts:\r\n  - name: a\r\n", "test.yaml", NEW)
    assert edited == ("a: 1\nhosts:\n  - name: a\n" + BLOCK).replace("\n", "\r\n")


@pytest.mark.parametrize("word", ["null", "Yes", "12", "1.5", "a: b", "#x", "~", "1e3", "*a", "2026-01-31", "ü", "a'b"])
def test_a_text_that_yaml_reads_as_something_else_is_quoted(word: str) -> None:
    assert names(add_host("hosts: []", "test.yaml", {"name": word})) == [word]
    assert names(add_host("hosts: [{name: a}]", "test.yaml", {"name": word})) == ["a", word]


def test_what_was_added_can_be_removed_again() -> None:
    for text in (COMMENTED, example_text(), starter_text("here", ["/a"]), "hosts: [{name: a}]\n", "hosts: []\n"):
        edited = add_host(text, "test.yaml", NEW)
        assert remove_host(edited, "test.yaml", len(names(edited)) - 1) == text


def test_a_removed_host_takes_its_own_lines_and_leaves_the_comments_above_it() -> None:
    first = COMMENTED.replace(COMMENTED[COMMENTED.index("  - name: 'web1'") : COMMENTED.index("\n  # Berlin")], "")
    assert remove_host(COMMENTED, "test.yaml", 0) == first
    second = COMMENTED.replace("  - {name: db1, hostname: db1.example.org}  # in one line\n", "")
    assert remove_host(COMMENTED, "test.yaml", 1) == second
    third = COMMENTED[: COMMENTED.index("  -   name")] + COMMENTED[COMMENTED.index("\n# the end") :]
    assert remove_host(COMMENTED, "test.yaml", 2) == third


def test_the_last_host_leaves_an_empty_list() -> None:
    edited = remove_host(example_text(), "test.yaml", 0)
    assert names(edited) == []
    assert edited.endswith("# The machines to watch.\nhosts: []\n  # Its unique name here.\n")


@pytest.mark.parametrize(
    ("text", "index", "edited"),
    [
        ("hosts: [{name: a}, {name: b}, {name: c}]", 0, "hosts: [{name: b}, {name: c}]"),
        ("hosts: [{name: a}, {name: b}, {name: c}]", 1, "hosts: [{name: a}, {name: c}]"),
        ("hosts: [{name: a}, {name: b}, {name: c}]", 2, "hosts: [{name: a}, {name: b}]"),
        ("hosts: [{name: a}]", 0, "hosts: []"),
        ("hosts:\n- name: a\n- name: b\nx: 1\n", 1, "hosts:\n- name: a\nx: 1\n"),
        ("hosts:\n- &a\n  name: a\n- name: b\n", 0, "hosts:\n- name: b\n"),
    ],
)
def test_every_way_to_write_hosts_gives_one_away(text: str, index: int, edited: str) -> None:
    assert remove_host(text, "test.yaml", index) == edited


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("x: &h []\nhosts: *h\n", "edit the list of hosts by hand"),
        ("hosts: some\n", "hosts is no list"),
        ("{a: 1}\n", "edit the list of hosts by hand"),
        ("a: 1\na: 2\n", "the key is there twice"),
        ("- a\n", "expected keys"),
    ],
)
def test_what_cannot_be_edited_is_told(text: str, because: str) -> None:
    with pytest.raises(ConfigurationError, match=because):
        add_host(text, "test.yaml", NEW)


def test_a_host_whose_anchor_others_use_stays() -> None:
    text = "hosts:\n  - {name: a, tags: &t [x]}\n  - {name: b, tags: *t}\n"
    with pytest.raises(ConfigurationError, match="edit the list of hosts by hand"):
        remove_host(text, "test.yaml", 0)


def test_the_committed_example_is_edited_too() -> None:
    text = (Path(__file__).parents[3] / "config.example.yaml").read_text()
    assert names(add_host(text, "test.yaml", NEW)) == ["web1", "new1"]


def test_an_edit_that_says_anything_else_than_was_meant_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="would change more than the host"):
        _checked("hosts: []\nlogs: []\n", "test.yaml", {"hosts": []})
