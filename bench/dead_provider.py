"""How a dead first provider hinders a fleet: what is still sent to it, and whether the second one judges every host.

    python bench/dead_provider.py [--hosts 50] [--rounds 2] [--try-seconds 2]

It refuses connections, hangs, or answers 503; the second one answers. Each round begins with breakers that know of
nothing, and a store of its own. A try is given less time than the product gives it, or a round would take 30 seconds
longer: it decides how long the first hosts wait, not how many requests are sent.
"""

import argparse
import asyncio
import logging
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import measure
from answers import answering

from dthostmon.judge.providers.http import make_session
from dthostmon.judge.question import Answer, Provider, Question
from dthostmon.store import open_store
from tests.fixtures.asking import configured, make_provider
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.stand_in import Behaviour, Hangs, Refuses, serving
from tests.integration.judge_checks import make_checks, make_host

REFUSED = "refuses connections"
WAYS: Mapping[str, Behaviour | None] = {REFUSED: None, "hangs": Hangs(), "answers 503": Refuses(503)}
FAILED = "Nov 23 06:00:00 here sshd[7]: Failed password for user{} from 203.0.113.9 port 4000 ssh2\n"
MAX_REQUESTS = 6
ANSWER_SECONDS = 30.0
DAILY_TOKENS = 10**8


class Counted:
    """A provider, and how many requests it was given."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.name, self.model = provider.name, provider.model
        self.concurrency, self.timeout = provider.concurrency, provider.timeout
        self.requests = 0

    async def ask(self, question: Question) -> Answer:
        """See `judge.question.Provider`."""
        self.requests += 1
        return await self._provider.ask(question)

    async def models(self) -> Sequence[str]:
        """See `judge.question.Provider`."""
        return await self._provider.models()


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one pass: requests to the dead one, hosts that the second judged, and how long it took."""

    requests: int
    judged: int
    seconds: float


async def check_all(urls: tuple[str, str], hosts: int, try_seconds: float, folder: Path) -> Round:
    """Check all hosts at once, each with lines that no other one has."""
    logs = [folder / f"{number}.log" for number in range(hosts)]
    for number, log in enumerate(logs):
        log.write_text(FAILED.format(number))
    store = await open_store(f"sqlite:///{folder}/fleet.db")
    try:
        async with make_session() as session:
            first, second = (
                Counted(make_provider(configured("openai", url, model), session, seconds))
                for url, model, seconds in zip(
                    urls, ("grok-4", "grok-4-fast"), (try_seconds, ANSWER_SECONDS), strict=True
                )
            )
            checks, begin = make_checks(store, [first, second], DAILY_TOKENS), time.perf_counter()
            watched = [make_host(f"web{number}", log) for number, log in enumerate(logs)]
            runs = await asyncio.gather(*map(checks.check, watched))
            judged = sum(run.judged_by == f"rules+grok/{second.model}" for run in runs)
            return Round(first.requests, judged, time.perf_counter() - begin)
    finally:
        await store.close()


def measure_way(way: str, url: str, arguments: argparse.Namespace) -> list[Round]:
    """Return the rounds of one way to be dead."""
    seen = []
    for _ in range(arguments.rounds):
        stand_in = OpenAiStandIn()
        stand_in.plays(WAYS[way] or Hangs())
        with tempfile.TemporaryDirectory(prefix="dthostmon-bench-") as name, serving(stand_in):
            dead = f"http://127.0.0.1:{free_port()}/v1" if way == REFUSED else stand_in.url
            one = asyncio.run(check_all((dead, url), arguments.hosts, arguments.try_seconds, Path(name)))
        # a try that is cut short as its request leaves is counted, and does not arrive
        if way != REFUSED and len(stand_in.requests) > one.requests:
            raise SystemExit(f"{way}: {one.requests} requests were counted, and {len(stand_in.requests)} came")
        seen.append(one)
    return seen


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--try-seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    logging.getLogger("dthostmon").setLevel(logging.ERROR)  # that a provider fails is what is wanted
    with answering() as url:
        seen = {way: measure_way(way, url, arguments) for way in WAYS}
    print(f"{'the first provider':<24}{'requests':>10}{'judged':>10}{'seconds':>10}")
    for way, rounds in seen.items():
        for one in rounds:
            print(f"{way:<24}{one.requests:>10}{one.judged:>10}{one.seconds:>10.1f}")
    limits = [
        limit
        for way, rounds in seen.items()
        for limit in (
            measure.Limit(
                f"requests to one that {way}", max(one.requests for one in rounds), MAX_REQUESTS, is_ceiling=True
            ),
            measure.Limit(
                f"hosts judged by the second where one {way}",
                min(one.judged for one in rounds),
                arguments.hosts,
                is_ceiling=False,
            ),
        )
    ]
    figures = {"rounds": {way: [asdict(one) for one in rounds] for way, rounds in seen.items()}}
    return measure.publish("dead_provider", vars(arguments), figures, limits)


if __name__ == "__main__":
    sys.exit(main())
