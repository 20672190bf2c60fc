"""How refusals are sorted by their words, and that the words shown hold no secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers.failures import Failures, classify
from dthostmon.judge.providers.said import SHOWN_CHARACTERS, Said, read_said, shown

AUTH = ProviderErrorKind.AUTH
QUOTA = ProviderErrorKind.QUOTA
RATE = ProviderErrorKind.RATE
MODEL_MISSING = ProviderErrorKind.MODEL_MISSING
TOO_LONG = ProviderErrorKind.TOO_LONG
TRANSPORT = ProviderErrorKind.TRANSPORT
INVALID_OUTPUT = ProviderErrorKind.INVALID_OUTPUT


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "Incorrect API key provided: xa***ab. You can obtain an API key from https://console.x.ai.", AUTH),
        (400, "API key not valid. Please pass a valid API key.", AUTH),
        (429, "Your team has either used all available credits or reached its monthly spending limit.", QUOTA),
        (403, "Your newly created team doesn't have any credits or licenses yet.", QUOTA),
        (429, "You exceeded your current quota, please check your plan and billing details.", QUOTA),
        (402, "Insufficient credits. This account never purchased credits.", QUOTA),
        (400, "Your credit balance is too low to access the Anthropic API.", QUOTA),
        (429, "Rate limit reached for gpt-5 on requests per min (RPM): Limit 3, Used 3.", RATE),
        (429, "Number of request tokens has exceeded your per-minute rate limit", RATE),
        (400, "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens.", TOO_LONG),
        (400, "the request exceeds the available context size, try increasing it", TOO_LONG),
        (500, "the request exceeds the available context size. try increasing the context size", TOO_LONG),
        (400, "prompt is too long: 215000 tokens > 200000 maximum", TOO_LONG),
        (400, "max_tokens is too large: 5000. This model supports at most 4096 completion tokens", TOO_LONG),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", TOO_LONG),
        (404, "The model grok-9 does not exist or your team 16f2 does not have access to it.", MODEL_MISSING),
        (403, "The model grok-9 does not exist or your team 16f2 does not have access to it.", MODEL_MISSING),
        (400, "grok-9 is not a valid model ID", MODEL_MISSING),
        (
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            MODEL_MISSING,
        ),
        (400, "'claude-3-opus' does not support output format: structured output", MODEL_MISSING),
        (400, "The response was filtered due to the prompt triggering our content management policy.", INVALID_OUTPUT),
        (403, "Content violates usage guidelines.", INVALID_OUTPUT),
        (400, "something else", TRANSPORT),
        (418, "I'm a teapot", TRANSPORT),
    ],
)
def test_words_say_more_than_a_status(status: int, words: str, kind: ProviderErrorKind) -> None:
    assert classify(status, Said(words))[0] is kind


def test_a_code_says_as_much_as_words() -> None:
    said = read_said(b'{"error": {"message": "?", "type": "exceed_context_size_error", "code": 400}}')
    assert classify(400, said)[0] is TOO_LONG
    said = read_said(b'{"error": {"message": "?", "type": "insufficient_quota", "code": "insufficient_quota"}}')
    assert classify(429, said)[0] is QUOTA


def test_what_a_server_quotes_of_the_prompt_sorts_no_error() -> None:
    quoted = "Invalid request body: " + "x" * 300 + " sshd: incorrect api key, credits, billing, context length"
    assert classify(400, Said(quoted))[0] is TRANSPORT


def test_an_echoed_input_of_a_validation_error_sorts_no_error() -> None:
    body = b'{"detail": [{"msg": "Input should be a string", "input": "sshd: incorrect api key"}]}'
    assert classify(422, read_said(body))[0] is TRANSPORT


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_every_kind_names_the_provider_and_its_place_in_the_configuration(kind: ProviderErrorKind) -> None:
    failures = Failures("grok", "grok-4", "api.x.ai", "")
    error = failures._error(kind, "did what it did")
    assert error.message == "The provider grok did what it did."
    assert "ai.providers" in error.fix
    assert "{" not in error.fix


def test_braces_in_the_words_of_a_server_are_only_words() -> None:
    error = Failures("grok", "{key}", "{0}", "").refused(500, b'{"error": "{key} {0} {model.__class__}"}')
    assert error.message == "The provider grok answered 500: {key} {0} {model.__class__}."


@given(
    secret=st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=8, max_size=60),
    before=st.text(max_size=300),
    after=st.text(max_size=300),
)
def test_no_piece_of_a_secret_is_shown(secret: str, before: str, after: str) -> None:
    line = shown(f"{before} {secret} {after}", secret)
    assert len(line) <= SHOWN_CHARACTERS
    assert not any(secret[start : start + 8] in line for start in range(len(secret) - 7))


@pytest.mark.parametrize(
    "form",
    [
        "key with/slash+more",
        "key%20with%2Fslash%2Bmore",
        "a2V5IHdpdGgvc2xhc2grbW9yZQ==",
        "b3BlbmNvZGU6a2V5IHdpdGgvc2xhc2grbW9yZQ==",
    ],
    ids=["plain", "in a url", "in base64", "as a login"],
)
def test_a_secret_is_masked_in_every_form_that_it_travels_in(form: str) -> None:
    assert form[12:] not in shown(f"you sent {form} to us", "key with/slash+more")


def test_a_short_secret_is_masked_too() -> None:
    assert shown("your key is abc.", "abc") == "your key is ***."


def test_without_a_secret_nothing_is_masked() -> None:
    assert shown("your key is abc.", "") == "your key is abc."
