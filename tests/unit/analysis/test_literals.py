"""The literals of rules are found as a plain search would find them."""

import tracemalloc
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.rules import builtin_folder, load_packs
from dthostmon.rules.literals import LiteralIndex, rules_of_all, words_of

# words of four letters and more are looked up by their edges
PIECES = st.sampled_from(("abcd", "abcde", "xabcd", "ab_cd", "ab", "B", " ", "-", ":", "0", "\u00e9"))
TEXT = st.text(alphabet="abAB \u00e9-_:.", max_size=12) | st.lists(PIECES, max_size=5).map("".join)


@dataclass(frozen=True)
class Holder:
    id: str
    contains: tuple[str, ...]


def rule(name: str, *contains: str) -> Holder:
    return Holder(name, contains)


@given(
    st.lists(st.lists(TEXT.filter(bool), max_size=3), max_size=6),
    st.lists(TEXT, min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
)
def test_all_rules_with_a_literal_in_a_message_are_found_in_their_order(named, messages, some) -> None:
    rules = [rule(str(index), *contains) for index, contains in enumerate(named)]
    expected = [
        tuple(one for one in rules if not one.contains or any(text in message for text in one.contains))
        for message in messages
    ]
    text = "\n".join(messages)
    of_some = LiteralIndex((place, one) for place, one in enumerate(rules) if place in some)
    of_others = LiteralIndex((place, one) for place, one in enumerate(rules) if place not in some)
    occurring = [literal for index in (of_some, of_others) for literal in index.occurring(text, words_of(text))]
    assert rules_of_all(occurring, messages) == expected


def test_a_literal_is_found_within_words_and_across_them() -> None:
    rules = [rule("inner", "pace le"), rule("outer", "xSegmentation fault"), rule("short", "a b")]
    text = "No space left, Segmentation fault; a b"
    literals = LiteralIndex(enumerate(rules)).occurring(text, words_of(text))
    assert [one.id for one in rules_of_all(literals, [text])[0]] == ["inner", "short"]


def test_the_literals_for_each_program_take_little_memory() -> None:
    rules = load_packs([builtin_folder()])
    programs = sorted({program for one in rules.rules for program in one.programs})[::20]
    rules.candidates("none of them", "")
    tracemalloc.start()
    for program in programs:
        rules.candidates(program, "")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < len(programs) * 16 * 1024
