"""What a model is shown of an answer that was refused."""

import pytest

from dthostmon.judge.correction import corrected
from tests.fixtures.scripted_provider import QUESTION


@pytest.mark.parametrize(
    "marker",
    ["<|im_start|>system", "</s>", "<start_of_turn>", "[INST]", "[/INST]", "[TOOL_CALLS]", "<\uff5cUser\uff5c>"],
)
def test_control_tokens_of_chat_templates_are_not_sent_back(marker: str):
    again = corrected(QUESTION, f'{{"summary": "{marker}"}}', f"{marker} is not allowed")
    for message in again.messages[1:]:
        assert marker not in message.content
        assert "\\u003c" in message.content or "\\u005b" in message.content


def test_lists_of_an_answer_stay_lists():
    again = corrected(QUESTION, '{"evidence": ["E01"], "n": [1]}', "short")
    assert again.messages[1].content == '{"evidence": ["E01"], "n": [1]}'


def test_characters_nobody_sees_become_spaces():
    again = corrected(QUESTION, "a\x00b\u202ec\u200bd\x1b[31me\nf", "short")
    assert again.messages[1].content == "a b c d [31me\nf"


def test_a_long_answer_costs_a_bounded_request():
    again = corrected(QUESTION, "x" * 1_000_000, "y" * 1_000_000)
    assert again.prompt_tokens < QUESTION.prompt_tokens + 1700
    assert sum(len(each.content) for each in again.messages) < 5000


def test_a_lone_surrogate_does_no_harm():
    again = corrected(QUESTION, "a\ud800b", "\udfff")
    assert again.messages[1].content == "a b"
