"""How many tokens a day of hosts takes, beside the tokens of their logs: gate, evidence, cache and budget at work.

    python bench/judged_day.py [--intervals 300 3600] [--history-days 1] [--input-price 0.2] [--output-price 0.5]

Each kind of host (see made_days.py) is visited through a day in simulated time, by `check_host` itself with a database
of its own, after days of the same life that are visited each hour: nothing is learned any more. The provider is in the
process: it answers each question with one finding and counts what it was sent, as `judge.prompt` estimates it. The raw
log is estimated alike.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import measure
from answers import InProcessProvider
from made_days import KINDS, Day, Kind
from made_logs import BEGIN

from dthostmon.app.judging import StoredBudget, StoredOpinions, prompt_form
from dthostmon.config.sections import Ai
from dthostmon.cycle import Parts, check_host
from dthostmon.evaluation.machine import Machine
from dthostmon.judge import Assessor, Judge, Prices
from dthostmon.judge.budget import Budget, cost
from dthostmon.judge.failover import Failover
from dthostmon.judge.prompt import BYTES_PER_TOKEN
from dthostmon.model import Run, Usage
from dthostmon.rules import RuleSet, builtin_folder, load_packs
from dthostmon.store import Store, open_store

HISTORY_SECONDS = 3600
Rows = Mapping[str, Mapping[str, Any]]
MOST_PERCENT = 1.0
PERCENT = 100


@dataclass(slots=True)
class Tally:
    """What a day of a host took. `judged_by` counts runs by who judged."""

    visits: int = 0
    raw_bytes: int = 0
    requests: int = 0
    usage: Usage = field(default_factory=Usage)
    judged_by: Counter[str] = field(default_factory=Counter)

    def count(self, lines: Mapping[str, Sequence[str]], run: Run) -> None:
        """Count a visit."""
        self.visits += 1
        self.raw_bytes += sum(len(line.encode()) + 1 for log in lines.values() for line in log)
        self.judged_by[run.judged_by] += 1
        if run.usage:
            self.requests += 1
            self.usage += run.usage

    @property
    def raw_tokens(self) -> float:
        """The tokens of the log, by the estimate of prompts."""
        return self.raw_bytes / BYTES_PER_TOKEN

    @property
    def percent(self) -> float:
        """How much of that was sent."""
        return PERCENT * self.usage.prompt / max(1.0, self.raw_tokens)


def total(tallies: Sequence[Tally]) -> Tally:
    """Return what hosts took together."""
    whole = Tally()
    for one in tallies:
        whole.visits += one.visits
        whole.raw_bytes += one.raw_bytes
        whole.requests += one.requests
        whole.usage += one.usage
        whole.judged_by += one.judged_by
    return whole


@dataclass(frozen=True, slots=True)
class Bench:
    """What all checks share."""

    rules: RuleSet
    store: Store
    analyst: ThreadPoolExecutor
    assessor: Assessor

    def parts(self, machine: Machine, moment: datetime) -> Parts:
        """Wire one visit."""
        return Parts(
            store=self.store,
            visit=machine.visit,
            rules=self.rules,
            clock=lambda: moment,
            monotonic=time.monotonic,
            nonce=partial(secrets.token_hex, 4),
            analyst=self.analyst,
            assessor=self.assessor,
        )

    async def live(self, machine: Machine, day: Day, seconds: int) -> Tally:
        """Let a host live through a day with visits every so many seconds."""
        host, tally = replace(machine.host(), interval=float(seconds)), Tally()
        for moment, lines in day.visits(seconds):
            for log, written in lines.items():
                machine.write(log, written, moment)
            tally.count(lines, await check_host(host, self.parts(machine, moment)))
        return tally


def make_assessor(store: Store, rules: RuleSet) -> Assessor:
    """Return what asks the provider, as `app.judging` wires it."""
    budget = Budget(Ai().daily_tokens, StoredBudget(store))
    judge = Judge(Failover([InProcessProvider()]), budget, StoredOpinions(store))
    return Assessor(judge, prompt_form(Ai()), frozenset(one.id for one in rules.sequences))


async def measure_kind(kind: Kind, rules: RuleSet, seconds: int, history_days: int) -> Tally:
    """Return what the last day of a host took, after days of history."""
    with tempfile.TemporaryDirectory(prefix="dthostmon-bench-") as name, ThreadPoolExecutor(1, "analyst") as analyst:
        machine = Machine(kind.name.replace(" ", "-"), Path(name) / "host", kind.logs)
        machine.start()
        store = await open_store(f"sqlite:///{name}/day.db")
        try:
            bench = Bench(rules, store, analyst, make_assessor(store, rules))
            await check_host(machine.host(), bench.parts(machine, BEGIN))  # its logs are empty yet
            for number in range(history_days):
                await bench.live(machine, Day(kind, number, happens=False), HISTORY_SECONDS)
            return await bench.live(machine, Day(kind, history_days, happens=True), seconds)
        finally:
            await store.close()


def figures_of(tally: Tally, prices: Prices) -> Mapping[str, float]:
    """Return the figures of a row."""
    return {
        "visits": tally.visits,
        "raw_megabytes": round(tally.raw_bytes / 1e6, 2),
        "raw_tokens": round(tally.raw_tokens),
        "requests": tally.requests,
        "prompt_tokens": tally.usage.prompt,
        "completion_tokens": tally.usage.completion,
        "percent_sent": round(tally.percent, measure.DIGITS),
        "cost": round(cost(tally.usage, prices) or 0.0, measure.DIGITS),
    }


def measure_interval(seconds: int, rules: RuleSet, prices: Prices, history_days: int) -> Rows:
    """Measure the day with one interval, print its table, and return its rows by kind of host, and of all together."""
    head = f"a visit every {seconds} s"
    print(f"\n{head:<34}{'raw MB':>9}{'raw tokens':>12}{'asked':>7}{'sent':>9}{'answers':>9}{'%':>7}{'cost':>9}")
    tallies = []
    for kind in KINDS:
        tallies.append(asyncio.run(measure_kind(kind, rules, seconds, history_days)))
        print_row(kind.name, figures_of(tallies[-1], prices))
    whole = total(tallies)
    print_row("all", figures_of(whole, prices))
    named = zip((*(kind.name for kind in KINDS), "all"), (*tallies, whole), strict=True)
    return {name: {**figures_of(tally, prices), "judged_by": dict(tally.judged_by)} for name, tally in named}


def print_row(name: str, row: Mapping[str, float]) -> None:
    """Print the line of a host."""
    print(
        f"{name:<34}{row['raw_megabytes']:>9.2f}{row['raw_tokens']:>12}{row['requests']:>7}{row['prompt_tokens']:>9}"
        f"{row['completion_tokens']:>9}{row['percent_sent']:>7.2f}{row['cost']:>9.4f}",
        flush=True,
    )


def main() -> int:
    """Measure, print tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--intervals", type=int, nargs="+", default=[300, 3600], help="seconds between visits")
    parser.add_argument("--history-days", type=int, default=1)
    parser.add_argument("--input-price", type=float, default=0.2, help="of a million tokens")
    parser.add_argument("--output-price", type=float, default=0.5)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    rules, prices = load_packs([builtin_folder()]), Prices(arguments.input_price, arguments.output_price)
    seen = {
        seconds: measure_interval(seconds, rules, prices, arguments.history_days) for seconds in arguments.intervals
    }
    limits = [
        measure.Limit(
            f"tokens sent, % of the logs', a visit every {seconds} s",
            figures["all"]["percent_sent"],
            MOST_PERCENT,
            is_ceiling=True,
        )
        for seconds, figures in seen.items()
    ]
    return measure.publish("judged_day", vars(arguments), {"by_interval": seen}, limits)


if __name__ == "__main__":
    sys.exit(main())
