"""Looks into JSON that a server sent, where nothing may be taken for granted."""

from dataclasses import replace

from dthostmon.model import Usage

MAX_TOKENS_COUNTED = 1_000_000_000  # no answer took more; a server that says so is wrong


def at(document: object, *path: str | int) -> object:
    """Return what a path of keys and positions leads to; None where it leads nowhere."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and 0 <= step < len(document):
            document = document[step]
        else:
            return None
    return document


def text_at(document: object, *path: str | int) -> str:
    """Return a text; empty where there is none."""
    found = at(document, *path)
    return found if isinstance(found, str) else ""


def list_at(document: object, *path: str | int) -> list[object]:
    """Return a list; empty where there is none."""
    found = at(document, *path)
    return found if isinstance(found, list) else []


def count_at(document: object, *path: str | int) -> int:
    """Return a count; 0 where there is none that can be true: who asks knows how to estimate it."""
    found = at(document, *path)
    if isinstance(found, bool) or not isinstance(found, int):
        return 0
    return found if 0 <= found <= MAX_TOKENS_COUNTED else 0


def with_reasoning(usage: Usage, total: int) -> Usage:
    """Count the tokens of reasoning as output once.

    OpenAI counts them into the completion, xAI beside it (both are billed as output): what the provider says is the
    total tells which. https://docs.x.ai/docs/key-information/consumption-and-rate-limits
    """
    are_beside = usage.reasoning > 0 and total >= usage.prompt + usage.completion + usage.reasoning
    return replace(usage, completion=usage.completion + usage.reasoning) if are_beside else usage
