"""One small request to a provider: is it there, does it know us and the model, does it keep to the contract?"""

import time
from dataclasses import dataclass, field

from dthostmon.errors import ProviderError
from dthostmon.judge import contract
from dthostmon.judge.evidence import HostEvidence, Record, RecordKind, Sample
from dthostmon.judge.prompt import PromptForm, build
from dthostmon.judge.question import Provider
from dthostmon.model import Evidence, Usage

LINE = "sshd: Failed password for root from 192.0.2.7 port 40000 ssh2"
RECORD = Record(
    RecordKind.FINDING,
    {"severity": "INFO", "rule": "sshd.failed-password", "count": 1, "title": "1 failed login for root"},
    importance=1,
    samples=(Sample(LINE, "", Evidence("/var/log/auth.log", LINE)),),
)
EVIDENCE = HostEvidence("test", None, "", 0, (RECORD,))


@dataclass(frozen=True, slots=True)
class Trial:
    """How one request went. `model` is the one that answered; `problem` and `fix` are empty where all is well.

    `is_listed` tells whether the provider lists the configured model; None where it lists none.
    """

    provider: str
    model: str
    is_listed: bool | None = None
    seconds: float | None = None
    usage: Usage = field(default_factory=Usage)
    problem: str = ""
    fix: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it answered as it should."""
        return not self.problem


async def tried(provider: Provider, form: PromptForm) -> Trial:
    """Send one small request, without retries."""
    prompt = build(EVIDENCE, form)
    is_listed = await _is_listed(provider)
    begin = time.monotonic()
    try:
        answer = await provider.ask(prompt.question)
        contract.parse(answer.text, tuple(prompt.records), prompt.restore)
    except ProviderError as error:
        return Trial(provider.name, provider.model, is_listed, problem=error.message, fix=error.fix)
    return Trial(provider.name, answer.model, is_listed, time.monotonic() - begin, answer.usage)


async def _is_listed(provider: Provider) -> bool | None:
    try:
        models = await provider.models()
    except ProviderError:
        return None  # what is wrong is told by the request itself
    return provider.model in models if models else None
