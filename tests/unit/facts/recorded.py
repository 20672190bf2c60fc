"""What tools and files of real hosts say; tests/testdata/facts/README.md tells where each comes from."""

from pathlib import Path

from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "testdata" / "facts"


def recorded(name: str) -> bytes:
    """Return one recording, such as `ip/debian-12.txt`."""
    return (FOLDER / name).read_bytes()


def one_line(output: bytes) -> bytes:
    """Return what a probe's words become of an output."""
    return b" ".join(output.split())


def mutations(*names: str) -> st.SearchStrategy[bytes]:
    """Make outputs that are nearly a recording: a piece is cut out, doubled, or something else is put there."""

    def mutated(output: bytes, start: int, length: int, inserted: bytes) -> bytes:
        at = start % (len(output) + 1)
        return output[:at] + inserted + output[at + length :]

    return st.builds(
        mutated,
        st.sampled_from([recorded(name) for name in names]),
        st.integers(0, 10_000),
        st.integers(-50, 200).map(lambda length: max(length, -20)),
        st.binary(max_size=30) | st.sampled_from([b"\n", b"9" * 40, b"\x1b[31m", b"-1", b"nan", b"\xed\xa0\x80"]),
    )
