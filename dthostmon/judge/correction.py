"""The second question to a model whose answer was refused: the same, with the answer and what is wrong with it."""

import re
from dataclasses import replace

from dthostmon.judge.question import Message, Question

SHOWN_ANSWER_CHARACTERS = 4000  # an answer may be a megabyte; the request is to cost no more than twice the first
SHOWN_PROBLEM_CHARACTERS = 500
BYTES_PER_TOKEN = 3  # fewer than most models need, so that the estimate is rather too high
NO_ANSWER = "(no answer that can be read)"

# What chat templates of models use as control tokens: an answer may repeat them from a log line. Written as JSON
# escapes they mean the same within a JSON string, and nothing to a template.
_MARKERS = re.compile(r"[<>]|\[(?=/?[A-Z_]{3,}\])")


def corrected(question: Question, answer: str, problem: str) -> Question:
    """Return the question that shows a model its answer and the problem; `answer` is empty where none could be read."""
    turns = (
        Message("assistant", _harmless(answer, SHOWN_ANSWER_CHARACTERS) or NO_ANSWER),
        Message(
            "user",
            f"Your answer was refused: {_harmless(problem, SHOWN_PROBLEM_CHARACTERS)}\n"
            "Answer again, with nothing but one JSON object that obeys the schema.",
        ),
    )
    more = sum(estimated_tokens(turn.content) for turn in turns)
    return replace(question, messages=(*question.messages, *turns), prompt_tokens=question.prompt_tokens + more)


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text is, rather too many than too few."""
    return len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 1


def _harmless(text: str, limit: int) -> str:
    seen = "".join(each if each.isprintable() or each == "\n" else " " for each in text[:limit])
    return _MARKERS.sub(lambda found: f"\\u{ord(found[0]):04x}", seen).strip()
