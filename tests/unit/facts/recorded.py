"""What tools printed (tests/testdata/facts), and outputs that are nearly that."""

from pathlib import Path

from hypothesis import strategies as st

from dthostmon.model import Inventory, Thing

FOLDER = Path(__file__).parents[2] / "testdata/facts"
LONGEST_SHOWN = 600


def recorded(name: str) -> bytes:
    """Return a recorded output."""
    return (FOLDER / name).read_bytes()


def one_line(output: bytes) -> bytes:
    """Return output as words are told: in one line."""
    return b" ".join(output.split())


def by_subject(inventory: Inventory) -> dict[str, Thing]:
    """Return the things by their subject, which must be unique within a kind."""
    found = {f"{thing.kind} {thing.subject}": thing for thing in inventory.things}
    assert len(found) == len(inventory.things)
    return {thing.subject: thing for thing in inventory.things}


@st.composite
def nearly(draw: st.DrawFn, *outputs: bytes) -> bytes:
    """Draw what is nearly a recorded output: a piece cut out, put in, or repeated; or arbitrary bytes."""
    output = draw(st.sampled_from([*outputs, b""]))
    start, end = sorted((draw(st.integers(0, len(output))), draw(st.integers(0, len(output)))))
    middle = draw(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"\n", b"\0", b"\x1b[31m", b"<b>", b"9" * 30, b"-1", b"nan", b"\xed\xa0\x80", b"|", b"=end"]
            ),
            st.just(output[start:end] * 2),
        )
    )
    return output[:start] + middle + output[end:]


def mutations(*names: str) -> st.SearchStrategy[bytes]:
    """Draw what is nearly one of some recordings."""
    return nearly(*map(recorded, names))


def assert_fit_to_show(inventory: Inventory) -> None:
    """Hold that all text of the things can be shown, and that their subjects are unique."""
    by_subject(inventory)
    for thing in inventory.things:
        assert thing.subject
        for text in (thing.subject, thing.state):
            assert text.isprintable()
            assert len(text) < LONGEST_SHOWN * 20
