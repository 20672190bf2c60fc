"""The frames of a shell run: any output, any noise, and every way in which they can be broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport import framing
from dthostmon.transport.framing import Limits, make_script, parse
from dthostmon.transport.session import CommandOutput

BOUNDARY = "0123456789abcdef0123456789abcdef"
OTHER_BOUNDARY = "f" * 32
LIMITS = Limits(command_blocks=1)

statuses = st.integers(0, 255).filter(lambda status: status != framing.TERMINATED_STATUS)
look_alikes = st.sampled_from([f"\n{OTHER_BOUNDARY} end\n".encode(), b"\n", b"\0", b"", b"status 9 7 bytes"])
outputs = st.tuples(st.lists(st.binary(max_size=200) | look_alikes, max_size=4).map(b"".join), statuses)
names = st.from_regex(r"[a-z][a-z0-9_.:-]{0,10}", fullmatch=True).filter(lambda name: name not in {"begin", "end"})


def frame(name: str, words: str = "") -> bytes:
    return f"\n{BOUNDARY} {name}{' ' if words else ''}{words}\n".encode()


def stream(bodies: dict[str, tuple[bytes, int]], noise: bytes = b"") -> bytes:
    parts = [noise, frame("begin")]
    for name, (body, status) in bodies.items():
        parts += [body, frame(name, f"status {status} 0+1 records in {len(body)} bytes (x) copied, 0.1 s")]
    return b"".join([*parts, frame("end")])


def parsed(output: bytes, *names: str) -> dict[str, CommandOutput]:
    return parse(output, make_script(dict.fromkeys(names, "true"), BOUNDARY, LIMITS), "web1")


@given(st.dictionaries(names, outputs, max_size=5), st.binary(max_size=500))
def test_any_output_after_any_noise_arrives_as_it_was_printed(
    bodies: dict[str, tuple[bytes, int]], noise: bytes
) -> None:
    expected = {name: CommandOutput(body, status) for name, (body, status) in bodies.items()}
    assert parsed(stream(bodies, noise), *bodies) == expected


@given(st.integers(0, 200))
def test_an_output_that_ends_early_is_refused(length: int) -> None:
    whole = stream({"one": (b"first", 0), "two": (b"second", 0)}, b"Welcome!\n")
    cut = whole[: min(length, len(whole) - len("end\n"))]
    with pytest.raises(VisitError):
        parsed(cut, "one", "two")


def test_bytes_that_slipped_into_an_output_are_noticed() -> None:
    whole = stream({"one": (b"first", 0)}).replace(b"first", b"fi** backup done **rst")
    with pytest.raises(VisitError, match="5 bytes and 22 arrived") as caught:
        parsed(whole, "one")
    assert caught.value.kind is ErrorKind.PROTOCOL


def test_the_frames_of_other_commands_are_refused() -> None:
    with pytest.raises(VisitError, match="out of order"):
        parsed(stream({"two": (b"", 0), "one": (b"", 0)}), "one", "two")


def test_a_login_without_a_shell_is_told_in_its_own_words() -> None:
    with pytest.raises(VisitError, match="This account is currently not available") as caught:
        parsed(b"This account is currently not available.\n", "one")
    assert caught.value.kind is ErrorKind.PERMISSION
    assert "login shell" in caught.value.fix


def test_an_output_at_the_cap_is_marked_as_cut() -> None:
    body = b"x" * LIMITS.command_bytes
    assert parsed(stream({"one": (body, 141)}), "one") == {"one": CommandOutput(body, 141, cut=True)}


def test_a_host_whose_dd_tells_no_length_is_trusted_on_its_boundary() -> None:
    answer = frame("begin") + b"body" + frame("one", "status 0 0+1 records in 0+1 records out") + frame("end")
    assert parsed(answer, "one") == {"one": CommandOutput(b"body", 0)}


def test_a_command_whose_status_is_not_told_has_none() -> None:
    assert parsed(frame("begin") + frame("one", "0 bytes copied") + frame("end"), "one")["one"].status is None


def test_the_timeout_of_busybox_reads_as_a_timeout() -> None:
    assert parsed(stream({"one": (b"", 143)}), "one")["one"].status == framing.TIMED_OUT_STATUS


@pytest.mark.parametrize("name", ["", "two words", "new\nline", "$(id)", "begin", "end", "-n", "ünicode"])
def test_a_name_that_is_not_one_plain_word_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a command"):
        make_script({name: "true"}, BOUNDARY, LIMITS)


def test_a_command_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        make_script({"one": "printf '\0'"}, BOUNDARY, LIMITS)


def test_numbers_that_no_host_can_mean_are_no_numbers() -> None:
    huge = "9" * 5000  # Python refuses to read as many digits
    answer = frame("begin") + b"body" + frame("one", f"status {huge} {huge} bytes") + frame("end")
    assert parsed(answer, "one") == {"one": CommandOutput(b"body", None)}


def test_what_a_login_says_instead_of_running_a_shell_is_told_in_one_clean_line() -> None:
    with pytest.raises(VisitError, match=r"it said: not\?\[31m today \\xff\.") as caught:
        parsed(b"not\x1b[31m\r\n\n  today \xff\n", "one")
    assert str(caught.value).isprintable()
    with pytest.raises(VisitError, match=r"it said: This account is currently not available\. Give"):
        parsed(b"This account is currently not available.\n", "one")
