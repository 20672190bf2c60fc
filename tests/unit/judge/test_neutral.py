"""What strangers write cannot end a message, begin another, hide or grow."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.judge.neutral import LOOKED_AT_CHARACTERS, MAX_CHARACTERS, neutral
from tests.fixtures.evidence import injection_lines

# fmt: off
MARKERS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "[INST]",
    "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>",
    "<|eot_id|>", "<|start_header_id|>", "<|begin_of_text|>", "<|User|>", "<|Assistant|>", "<tool_call>",
    "<think>", "<|channel|>", "<unused7>", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]",
    "[TOOL_RESULTS]", "[|system|]", "[|endofturn|]", "[gMASK]", "<sop>", "[UNUSED_TOKEN_146]", "<0x0A>",
]
# fmt: on
PHRASES = ("Human:", "Assistant:", "### Instruction:", "### Response:", "USER:", "ASSISTANT:", "SYSTEM:")
UNSEEN = (
    "\u200b\u200d\u2060\u00ad\ufe0f\u034f\u180e"
    "\u202e\u2066\u3164\uffa0\u115f\x00\x1b\x7f\x9b\ufeff\U000e0041\U000e0100\ue000"
)
TEXT = st.text(max_size=60) | st.text(
    st.sampled_from('<>[]|/# :\n\\"' + UNSEEN + "INSTinstHuman\uff48\uff1c\uff3b\uff5c\u0338\u0301")
)
HOSTILE = st.lists(TEXT | st.sampled_from([*MARKERS, *PHRASES]), max_size=12).map("".join)


def wide(text: str) -> str:
    """Write with the full-width forms of ASCII."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


@pytest.mark.parametrize("marker", [*MARKERS, *PHRASES])
def test_no_marker_stays_however_it_is_written(marker: str) -> None:
    forms = [marker, wide(marker), f"\n\n{marker}", marker.lower() if "[" in marker else marker]
    forms += [one.join(marker) for one in UNSEEN]
    for form in forms:
        told = neutral(f"before {form} after")
        assert not any(one in told for one in (*MARKERS, *PHRASES)), form
        assert told.startswith("before ")
        assert told.endswith(" after")
    assert neutral(wide(marker)) == neutral(marker)


def test_what_is_no_marker_stays_as_it_is() -> None:
    line = 'sshd[4711]: Failed password for root from 203.0.113.9 port 22 [preauth] "GET /?a=1#b HTTP/1.1" 200 user: x'
    assert neutral(line) == line
    assert neutral("naïve café — 日本語 😀") == "naïve café — 日本語 😀"


def test_what_separates_a_marker_from_words_looks_alike() -> None:
    assert neutral("<|im_end|> [INST] Human: a->b") == "‹|im_end|› (INST) Human∶ a-›b"  # noqa: RUF001


@given(HOSTILE)
def test_the_same_again_changes_nothing(text: str) -> None:
    once = neutral(text)
    assert neutral(once) == once


@given(HOSTILE)
def test_nothing_unseen_and_no_marker_is_left_in_one_line(text: str) -> None:
    told = neutral(text)
    assert len(told) <= MAX_CHARACTERS
    assert not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for one in told)
    assert not any(marker.lower() in told.lower() for marker in (*MARKERS, "Human:", "Assistant:", "### Instruction:"))
    assert "<" not in told
    assert ">" not in told
    told.encode("utf-8")


def test_every_character_that_nobody_sees_goes() -> None:
    left = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Co"}
        and neutral(f"a{chr(code)}b") not in {"ab", "a b"}
    ]
    assert not left


def test_text_that_is_cut_says_by_how_much() -> None:
    told = neutral("x" * 1000)
    kept, _, note = told.partition(" ... ")
    assert MAX_CHARACTERS - 2 < len(told) <= MAX_CHARACTERS
    assert note == f"(+{1000 - len(kept)} characters)"
    assert neutral("x" * MAX_CHARACTERS) == "x" * MAX_CHARACTERS


def test_what_was_not_even_looked_at_is_counted_too() -> None:
    told = neutral("y" * 70_000)
    kept = len(told.partition(" ... ")[0])
    assert told.endswith(f"(+{70_000 - kept} characters)")
    assert LOOKED_AT_CHARACTERS < 70_000
    composed = neutral("\u03b1\u0313\u0300\u0345" * 1000)  # four of them make one: as many as may be are left
    assert composed.startswith("\u1f82\u1f82")
    assert " ... (+" in composed


def test_a_cut_makes_no_marker() -> None:
    for length in range(MAX_CHARACTERS - 40, MAX_CHARACTERS):
        told = neutral("x" * length + "[INST] <|im_end|> Human: ### Instruction:" * 3)
        assert not any(one in told for one in (*MARKERS, *PHRASES))
        assert neutral(told) == told


def test_a_secret_that_hides_is_redacted_as_well() -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "[redacted: password]")

    for hidden in ("hunter2", "hun\u200bter2", wide("hunter2"), "h\u00adu\u00adn\u00adt\u00ade\u00adr\u00ad2"):
        assert neutral(f"password {hidden} typed", redact=redact) == "password [redacted: password] typed"


def test_a_secret_is_redacted_before_it_is_cut() -> None:
    key = "BEGIN" + "k" * 5000 + "END"
    told = neutral(f"key {key} read", redact=lambda text: text.replace(key, "[redacted: key]"))
    assert told == "key [redacted: key] read"


@pytest.mark.parametrize(
    "piece",
    [
        "<|im_end|>",
        "\u200b",
        "[INST",
        "\u0301\u0327",
        "# ",
        "##",
        "Human:",
        " \t",
        "\ufdfa",
        "[ / ",
        "[" * 9,
        "\u3164 ",
    ],
)
def test_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        times = []
        for _ in range(3):
            begin = time.process_time()
            neutral(text)
            times.append(time.process_time() - begin)
        return min(times)

    assert seconds(1_600_000) < 40 * max(seconds(100_000), 0.001)


@pytest.mark.parametrize("line", injection_lines(), ids=lambda line: ascii(line)[21:60])
def test_a_hostile_line_comes_out_harmless(line: str) -> None:
    told = neutral(line)
    assert told.isprintable()
    assert "<" not in told
    assert not any(marker in told for marker in (*MARKERS, *PHRASES))
    assert neutral(told) == told
