"""Text that strangers wrote, made harmless for a model that reads it. Pure.

A log line may hold what a chat template takes for the end of a message and the start of another; where a server
tokenises it as text, it becomes the real thing. What separates such markers from words is replaced by a character that
looks alike and means nothing, one for one: nothing is taken out there, so nothing can close up to a new marker. What
is taken out (characters that nobody sees) goes before that.
"""

import re
from collections.abc import Callable
from unicodedata import is_normalized, normalize

MAX_CHARACTERS = 400
LOOKED_AT_CHARACTERS = 4 * MAX_CHARACTERS  # reordering of combining characters takes the square of their number
NAME_CHARACTERS = 256  # as long as the full name of a host may be, and some more

Redact = Callable[[str], str]

_BLANKS = re.compile(r"\s+")
_LAST_WORD = re.compile(r"(?<!\S)\S++\Z|\A\S++\Z")
# Controls, soft hyphens and other characters of formats, fillers of Hangul, zero-width ones, those that turn the
# direction of writing, variation selectors, tags, private and surrogate ones, and code points that are no characters.
# Named one by one, so that the same text gives the same result whatever Unicode the Python at hand knows.
_UNSEEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bcaf\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff"
    "]+"
)

# <|im_start|>, </s>, <<SYS>>, <start_of_turn>, <think>, <unused7>, <0x0A> and all that are still to be thought of
_ANGLES = str.maketrans("<>", "\u2039\u203a")  # single quotation marks that point
# the names that stand in square brackets; others there are a process id, a level, a device
_BRACKETED = re.compile(
    r"\[(\s?/?\s?(?:INST|SYS|SYSTEM(?:_PROMPT)?|USER|ASSISTANT|HUMAN|AVAILABLE_TOOLS|TOOL(?:_CALLS?|_RESULTS?|_CONTENT|S)?"
    r"|MODEL_SETTINGS|CALL_ID|ARGS|THINK|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|TRANSCRIBE|PREFIX|MIDDLE|SUFFIX|BOS"
    r"|EOS|EOT|EOD|PAD|UNK|CLS|SEP|MASK|[gs]MASK|UNUSED_TOKEN_[0-9]{1,6}|CONTROL_[0-9]{1,6}|REFERENCE_DOC_[0-9]{1,6})\s?)\]",
    re.IGNORECASE,
)
# [|system|], [|endofturn|]
_BARRED = re.compile(r"\[(?=\|)|(?<=\|)\]")
# who speaks next, in templates without markers; the last ones are words of logs too, but for their capitals
_SPEAKERS = ("human", "assistant", "instruction", "response", "user", "system")
_TURN = re.compile(r"((?i:human|assistant|instruction|response)\s?|(?:USER|SYSTEM)\s?):")
_HEADING = re.compile(r"##+")


def neutral(
    text: str, limit: int = MAX_CHARACTERS, redact: Redact | None = None, pseudonymise: Redact | None = None
) -> str:
    """Return text of one line and at most `limit` characters that holds no marker of any chat template.

    What was cut is counted at its end. The same again changes nothing. Takes time in proportion to the text. `redact`
    sees all of the text first, and again what is left to see, where something hid between characters that nobody sees.
    `pseudonymise` sees that alone, once, before it is cut: half an address is no address.
    """
    text = redact(text) if redact else text
    seen, unread = _seen(text)
    if redact and not text.startswith(seen):
        seen = _settled(redact(seen))
    if pseudonymise:
        whole = _without_last_word(seen) if unread else seen
        seen, unread = pseudonymise(whole), unread + len(seen) - len(whole)
    return _harmless(_cut(seen, unread, limit))


def _seen(text: str) -> tuple[str, int]:
    """Return what is seen, and how many characters behind that were not looked at."""
    if text.isascii() and text.isprintable() and "  " not in text and len(text) <= LOOKED_AT_CHARACTERS:
        return text, 0
    shown = _UNSEEN.sub("", _BLANKS.sub(" ", text))
    unread = max(0, len(shown) - LOOKED_AT_CHARACTERS)
    return _settled(shown[:LOOKED_AT_CHARACTERS]), unread


def _settled(text: str) -> str:
    """Return the plain form, in which nothing is left that nobody sees.

    A character may turn into several, blanks among them: until nothing changes any more, which is soon.
    """
    while True:
        plain = text if is_normalized("NFKC", text) else normalize("NFKC", text)
        after = _UNSEEN.sub("", _BLANKS.sub(" ", plain))
        if after == text:
            return text
        text = after


def _without_last_word(text: str) -> str:
    """Return a text that was cut without what may be the first half of a name."""
    start = max(0, len(text) - NAME_CHARACTERS)
    return text[:start] + _LAST_WORD.sub("", text[start:])


def _cut(text: str, unread: int, limit: int) -> str:
    if len(text) + unread <= limit:
        return text
    total = len(text) + unread
    room = limit - len(_note(total))
    kept = text[: max(0, room)].rstrip(" ")
    return (kept + _note(total - len(kept)))[:limit]


def _note(cut: int) -> str:
    return f" ... (+{cut} characters)"


def _harmless(text: str) -> str:
    text = text.translate(_ANGLES) if "<" in text or ">" in text else text
    if "[" in text:
        text = _BRACKETED.sub(r"(\1)", _BARRED.sub(_round, text))
    if ":" in text and _names_a_speaker(text.lower()):
        text = _TURN.sub("\\1\u2236", text)  # the sign of a ratio
    return _HEADING.sub(_starred, text) if "##" in text else text


def _names_a_speaker(text: str) -> bool:
    return any(map(text.__contains__, _SPEAKERS))


def _round(bracket: re.Match[str]) -> str:
    return "(" if bracket[0] == "[" else ")"


def _starred(heading: re.Match[str]) -> str:
    return "*" * len(heading[0])
