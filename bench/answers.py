"""A provider of models for benchmarks: what it answers is as long as a usual answer, valid, and no judgement at all.

    python bench/answers.py

answers chat completions on 127.0.0.1: it prints its port, and runs until its standard input ends. Started by
`answering`, it is a process of its own, so that its CPU is not that of the one who asks.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stand_in import served

from dthostmon.judge.prompt import estimate_tokens
from dthostmon.judge.question import Answer, Question
from dthostmon.model import Usage
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.stand_in import serving

SUMMARY = "Strangers guess passwords over SSH as they do on every public server; nothing shows that one of them got in."
DESCRIPTION = "Repeated failed logins for several accounts from a few addresses, none of which was followed by a login."
ACTION = "Turn off password logins, or let fail2ban block such addresses."


def usual_answer(evidence: Sequence[str] = ("E01",)) -> str:
    """Return an answer with one finding that rests on these records."""
    finding = {
        "evidence": list(evidence),
        "kind": "password-guessing",
        "severity": "INFO",
        "description": DESCRIPTION,
        "recommended_action": ACTION,
        "confidence": "medium",
    }
    return json.dumps(
        {"summary": SUMMARY, "findings": [finding], "health_score": 90, "severity": "INFO", "recommendations": [ACTION]}
    )


class InProcessProvider:
    """Answers at once, and counts a question as `judge.prompt` estimates it."""

    name, model, concurrency, timeout = "bench", "m", 4, 30.0

    async def ask(self, question: Question) -> Answer:
        """See `judge.question.Provider`."""
        text = usual_answer()
        return Answer(text, self.model, Usage(question.prompt_tokens, estimate_tokens(text)))

    async def models(self) -> Sequence[str]:
        """See `judge.question.Provider`."""
        return [self.model]


@contextmanager
def answering() -> Iterator[str]:
    """Run a provider that speaks OpenAI's protocol in a process of its own; give its address."""
    with served([sys.executable, __file__]) as port:
        yield f"http://127.0.0.1:{port}/v1"


def main() -> None:
    """Answer until the standard input ends."""
    stand_in = OpenAiStandIn()
    stand_in.text = usual_answer()
    with serving(stand_in):
        print(stand_in.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
