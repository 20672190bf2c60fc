"""What a user types for a new host."""

import click
import pytest

from dthostmon.cli.host_address import Address, host_values, parse_address
from dthostmon.model import TransportKind


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("web1", Address("web1")),
        ("me@web1.example.org", Address("web1.example.org", "me")),
        ("me@web1:2222", Address("web1", "me", 2222)),
        ("me@[2001:db8::1]:22", Address("2001:db8::1", "me", 22)),
        ("[2001:db8::1]", Address("2001:db8::1")),
        ("me@2001:db8::1", Address("2001:db8::1", "me")),
        ("me@fe80::1%eth0", Address("fe80::1%eth0", "me")),
        ("me@example.org@web1", Address("web1", "me@example.org")),
    ],
)
def test_every_form_of_an_address(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "me@",
        "@web1",
        ":22",
        "web1:",
        "web1:0",
        "web1:99999",
        "web1:x",
        "web1:٢٢",
        "[web1]",
        "[::1",
        "[::1]x",
        "[::1]:",
        "a;b",
        "héé",
        "*",
        "..",
        "we b1",
        "[a:b;c]",
    ],
)
def test_what_is_no_address_is_told_with_one_that_is(text: str) -> None:
    with pytest.raises(click.UsageError, match=r"monitor@web1\.example\.org"):
        parse_address(text)


def test_a_password_is_refused_and_not_printed_back() -> None:
    for text in ("root:secret@web1", "root:secret@web1:99999", "root:secret@"):
        with pytest.raises(click.UsageError, match="a password does not go with the user") as caught:
            parse_address(text)
        assert "secret" not in str(caught.value)


def test_a_name_that_no_host_has_is_what_is_complained_about() -> None:
    with pytest.raises(click.UsageError, match=r"no host is called '\*'"):
        parse_address("me@*")


@pytest.mark.parametrize(
    ("hostname", "name"), [("web1.example.org", "web1.example.org"), ("::1", "1"), ("fe80::1%e", "fe80-1-e")]
)
def test_a_host_without_a_name_is_called_as_its_address_allows(hostname: str, name: str) -> None:
    assert host_values(Address(hostname), None, TransportKind.SSH, None, ())["name"] == name


def test_only_what_was_said_is_written() -> None:
    assert host_values(Address("web1"), None, TransportKind.SSH, None, ()) == {"name": "web1", "hostname": "web1"}
    assert host_values(Address("here"), None, TransportKind.LOCAL, None, ()) == {"name": "here", "transport": "local"}
    with pytest.raises(click.UsageError, match="this machine"):
        host_values(Address("here", "me"), None, TransportKind.LOCAL, None, ())
