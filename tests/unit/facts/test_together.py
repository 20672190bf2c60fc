"""One command for the files and words of all probes: nothing that a file holds passes for another part."""

import os
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.probe import Probe
from dthostmon.facts.together import MAX_LINES, Together, together


def told(shared: Together, locale: str = "C") -> dict[str, bytes]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": locale}
    ran = subprocess.run(["sh", "-c", shared.command], env=environment, capture_output=True, check=False)
    return dict(shared.told(ran.stdout))


def probe(name: str, contents: dict[str, tuple[str, ...]], words: dict[str, str] | None = None) -> Probe[object]:
    return Probe(name, lambda _: None, contents=contents, words=words or {})


def test_each_part_gets_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(b"x: 1\n\ny\0\xff\n")
    (tmp_path / "c").write_bytes(f"{tmp_path}/a b:spoofed\n=one.words:spoofed\n".encode())
    shared = together(
        [
            probe("one", {"a": (f"{tmp_path}/a b",)}, {"words": "printf 'p  q\\n*\\n=one.a:r\\n'"}),
            probe("two", {"c": (f"{tmp_path}/none", f"{tmp_path}/c"), "gone": (f"{tmp_path}/none",)}),
        ]
    )
    assert told(shared) == {
        "one.a": b"x: 1\n\ny\0\xff",
        "one.words": b"p q * =one.a:r",
        "two.c": f"{tmp_path}/a b:spoofed\n=one.words:spoofed".encode(),
    }


def test_what_only_looks_like_a_new_line_makes_none(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(rb"one\n=p.other:spoofed\c \040 \012=p.other:spoofed %s %%")
    shared = together([probe("p", {}, {"said": f"cat {tmp_path}/said", "other": "echo true"})])
    assert told(shared) == {"p.said": (tmp_path / "said").read_bytes(), "p.other": b"true"}


def test_a_file_of_too_many_lines_is_not_told_in_part(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x\n" * (MAX_LINES + 5))
    (tmp_path / "short").write_bytes(b"x\n" * (MAX_LINES - 1))
    shared = together([probe("p", {"long": (f"{tmp_path}/long",), "short": (f"{tmp_path}/short",)})])
    assert told(shared).keys() == {"p.short"}


def test_a_word_that_hangs_on_to_nothing_is_absent() -> None:
    assert told(together([probe("p", {}, {"nothing": "true", "fails": "exit 3", "one": "echo 1"})])) == {"p.one": b"1"}


@given(st.binary(max_size=300))
def test_any_output_is_taken_apart(output: bytes) -> None:
    shared = together([probe("p", {"a": ("/a",)}, {"b": "b"})])
    assert shared.told(output).keys() <= {"p.a", "p.b"}
