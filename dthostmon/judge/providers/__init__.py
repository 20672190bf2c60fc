"""The services that answer with a model, one module per wire protocol, over one way to send a request.

None of them retries, falls back or asks a second time within one ask: who asks decides that. A server that does not
know how to obey a JSON Schema is never asked without one; it counts as one that lacks the model, since another model
or another server is what mends it.
"""

from typing import TYPE_CHECKING

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.judge.question import Provider

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["make_provider"]


def make_provider(settings: ProviderSettings, session: "ClientSession", timeout: float | None = None) -> Provider:
    """Make what speaks to one provider of the configuration; nothing is sent yet.

    `session` comes from `providers.http.make_session`. `timeout` is the configured time of one try in seconds; None =
    the protocol's own.
    """
    # the protocols bring aiohttp's client with them: it costs nothing where no provider is configured
    match settings.type:
        case "openai":
            from dthostmon.judge.providers.openai import make_openai

            return make_openai(settings, session, timeout)
        case "ollama":
            from dthostmon.judge.providers.ollama import make_ollama

            return make_ollama(settings, session, timeout)
        case "anthropic":
            from dthostmon.judge.providers.anthropic import make_anthropic

            return make_anthropic(settings, session, timeout)
        case "opencode":
            from dthostmon.judge.providers.opencode import make_opencode

            return make_opencode(settings, session, timeout)
