"""What may be typed: moments, names of keys, and the hosts that a command is for."""

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from dthostmon.cli.baseline import TEMPLATE_ID
from dthostmon.cli.invocation import EXPIRY, MOMENT
from dthostmon.cli.keys import check_name, create
from dthostmon.cli.monitor import choose_hosts
from dthostmon.config import Configuration, load
from dthostmon.errors import NotFoundError

FLEET = """\
sites: {chicago: {}, empty: {}}
hosts:
  - {name: web1, hostname: web1, site: chicago, tags: [web]}
  - {name: db1, hostname: db1, tags: [db]}
  - {name: old1, hostname: old1, tags: [old], enabled: false}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Configuration:
    path = tmp_path / "dthostmon.yaml"
    path.write_text(FLEET)
    return load(path, {})


@pytest.mark.parametrize(
    "text",
    ["0001-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", "99999999999d", "٣d", ""],
)
def test_what_is_no_moment_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter):
        MOMENT.convert(text, None, None)


def test_a_moment_is_read_in_its_zone() -> None:
    assert MOMENT.convert("2026-01-31T08:00:00+02:00", None, None) == datetime(2026, 1, 31, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["90", "2001-01-31T08:00:00Z", "soon"])
def test_an_expiry_is_a_time_to_come_and_the_message_says_so(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"90d \(from now\), or a moment to come") as caught:
        EXPIRY.convert(text, None, None)
    assert "ago" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "t-", "t-12345678901", "t-1234567890AB", "t-1234567890ab ", "l-1234567890ab"])
def test_what_is_no_id_of_a_template_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter, match="t- and 12 of"):
        TEMPLATE_ID.convert(text, None, None)
    assert TEMPLATE_ID.convert("t-1234567890ab", None, None) == "t-1234567890ab"


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[31m", "\u202e", "\udcff", "x" * 101])
def test_a_key_has_a_name_that_can_be_shown(name: str) -> None:
    with pytest.raises(click.BadParameter, match="1 to 100 characters"):
        check_name(click.Context(create), create.params[0], name)


def test_names_in_any_language_are_good() -> None:
    assert check_name(click.Context(create), create.params[0], "Büro 東京") == "Büro 東京"


def test_sites_and_tags_choose_hosts(fleet: Configuration) -> None:
    def names(*arguments: str, site: str | None = None, tag: str | None = None) -> list[str]:
        return [host.name for host in choose_hosts(fleet, arguments, site, tag)]

    assert names() == ["web1", "db1"]
    assert names(site="chicago") == names(site="chicago", tag="web") == ["web1"]
    assert names("old1", tag="old") == ["old1"]


@pytest.mark.parametrize(
    ("names", "site", "tag", "message"),
    [
        ((), "chcago", None, "no site 'chcago'; did you mean 'chicago'"),
        ((), None, "wbe", "no tag 'wbe'; did you mean 'web'"),
        ((), "empty", None, "none of the enabled hosts has site 'empty'"),
        ((), "chicago", "db", "none of the enabled hosts has site 'chicago' and tag 'db'"),
        ((), None, "old", "none of the enabled hosts has tag 'old'"),
        (("db1",), None, "web", "none of the named hosts has tag 'web'"),
        (("",), None, None, "no host ''"),
    ],
)
def test_no_host_is_an_error_that_says_why(
    fleet: Configuration, names: tuple[str, ...], site: str | None, tag: str | None, message: str
) -> None:
    with pytest.raises(NotFoundError, match=message):
        choose_hosts(fleet, names, site, tag)
