"""How many hosts a second a model can be asked about, as far as that is ours: from what was found to the request.

    python bench/prompt.py [--hosts 40] [--megabytes 0.5] [--rounds 7]

The logs are read beforehand. Timed is what is done for each asked host: the gate, its evidence, the key of the cache,
the prompt. An ordinary host has the lines of a server, known from before, and a few of other kinds; a busy one has more
kinds that are new than a prompt has room for; a hostile one has nothing but lines that try to steer the model.
Redaction is not counted.
"""

import argparse
import gc
import json
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import measure
from made_logs import all_parameters_vary, numbers_vary, seeded, taken

from dthostmon.analysis import Examination, Moment, conclude, observe
from dthostmon.judge.evidence import HostEvidence, cache_key, gather
from dthostmon.judge.gate import opens
from dthostmon.judge.prompt import Prompt, PromptForm, build, estimate_tokens
from dthostmon.model import History, Host, KnownTemplate, Learning, Rates, Thresholds, TransportKind
from dthostmon.rules import RuleSet, builtin_folder, load_packs

NOW = datetime(2026, 7, 28, 6, 0, tzinfo=UTC)
LOG = "/var/log/syslog"
INJECTION = Path(__file__).parents[1] / "tests" / "testdata" / "injection" / "lines.jsonl"
FEW_BYTES = 600  # of lines of other kinds in an ordinary log
BUSY_PART = 20  # the share of them in a busy one
KNOWN = KnownTemplate(5000, NOW - timedelta(days=8), Rates(0, 10, 3600.0, (400.0,) * 12))
MAX_PROMPT_TOKENS = 6000
MAX_OUTPUT_TOKENS = 2500
LEAST_HOSTS = 200.0
MAX_MS = 10.0
MS = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """A host and what was found on it."""

    host: Host
    history: History
    examined: Examination
    log: bytes

    def evidence(self) -> HostEvidence:
        """Return what would be shown of it."""
        return gather(self.examined, self.history, self.host)


def form() -> PromptForm:
    """Return the form of the questions: a schema as large as the contract's."""
    return PromptForm(MAX_PROMPT_TOKENS, MAX_OUTPUT_TOKENS, schema, lambda text: text, lambda: secrets.token_hex(8))


def schema(ids: Sequence[str]) -> Mapping[str, object]:
    """Return a schema about as large as that of an answer."""
    texts = {f"text_{number}": {"type": "string", "description": "x" * 40} for number in range(12)}
    return {"type": "object", "properties": {"evidence": {"type": "string", "enum": list(ids)}, **texts}}


def make_host(number: int) -> Host:
    """Return a host that nobody visits."""
    tags = ("web", "eu")
    return Host(f"host{number}", TransportKind.LOCAL, None, "north", tags, (), (), Thresholds(), 300.0, 60.0, 0)


def make_case(number: int, usual: bytes, other: bytes, rules: RuleSet) -> Case:
    """Judge a host's log by what is known of its usual lines."""
    moment = Moment(NOW)
    known = [entry.template.id for entry in observe([(LOG, usual)], rules, None, moment).templates]
    history = History(20, NOW - timedelta(days=9), NOW - timedelta(minutes=5), templates=dict.fromkeys(known, KNOWN))
    observed = observe([(LOG, usual + other)], rules, None, moment)
    judged = conclude(observed, rules, history, Thresholds(), None, Learning(), moment, "host")
    return Case(make_host(number), history, judged, usual + other)


def logs(number: int, size: int, other_size: int) -> tuple[bytes, bytes]:
    """Return the usual lines of a server, and some of kinds of their own."""
    draw = seeded()
    draw.seed(number)
    return taken(numbers_vary(draw), size), taken(all_parameters_vary(draw), other_size)


def hostile_log(size: int) -> bytes:
    """Return lines that try to steer a model, in turn."""
    lines = [json.loads(line) for line in INJECTION.read_text(encoding="ascii").splitlines()]
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    return data * max(1, size // len(data))


def ask(case: Case, used: PromptForm) -> Prompt | None:
    """Do what is done for one host that is asked about."""
    if not opens(case.examined, case.history):
        return None
    evidence = case.evidence()
    cache_key(evidence.records, evidence.role)
    return build(evidence, used)


def hosts_per_second(work: Callable[[], object], hosts: int, rounds: int) -> list[float]:
    """Return hosts per CPU-second, round by round."""
    speeds = []
    for _ in range(rounds):
        gc.collect()
        begin = time.process_time()
        work()
        speeds.append(hosts / max(time.process_time() - begin, 1e-6))
    return speeds


def sizes(cases: Sequence[Case], used: PromptForm) -> Mapping[str, float]:
    """Return what is sent of the hosts: records, tokens, and the share of their logs."""
    prompts = [prompt for case in cases if (prompt := ask(case, used))]
    tokens = sum(prompt.question.prompt_tokens for prompt in prompts)
    raw = sum(estimate_tokens(case.log.decode("utf-8", "replace")) for case in cases)
    records = sum(len(prompt.records) for prompt in prompts)
    left_out = sum(prompt.left_out for prompt in prompts)
    return {
        "asked": len(prompts),
        "records_per_host": records / max(1, len(prompts)),
        "left_out_per_host": left_out / max(1, len(prompts)),
        "tokens_per_host": tokens / max(1, len(prompts)),
        "percent_of_the_logs_tokens": 100 * tokens / raw,
    }


def main() -> int:
    """Measure, print tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--megabytes", type=float, default=0.5, help="size of each host's log")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    rules, size, used = load_packs([builtin_folder()]), int(arguments.megabytes * 1e6), form()
    hosts = range(arguments.hosts)
    ordinary = [make_case(number, *logs(number, size, FEW_BYTES), rules) for number in hosts]
    busy = [make_case(number, *logs(number, size, size // BUSY_PART), rules) for number in hosts]
    hostile = [make_case(0, b"", hostile_log(size), rules)] * arguments.hosts
    works: Mapping[str, Callable[[], object]] = {
        "ordinary hosts": lambda: [ask(case, used) for case in ordinary],
        "busy hosts": lambda: [ask(case, used) for case in busy],
        "hostile hosts": lambda: [ask(case, used) for case in hostile],
    }
    seen = {name: hosts_per_second(work, arguments.hosts, arguments.rounds) for name, work in works.items()}
    speeds = {name: measure.spread(values) for name, values in seen.items()}
    measure.print_head("hosts per CPU-second")
    for name, values in speeds.items():
        measure.print_row(name, values, 0)
    kinds = {"ordinary hosts": ordinary, "busy hosts": busy, "hostile hosts": hostile}
    sent = {name: sizes(cases, used) for name, cases in kinds.items()}
    print()
    for name, figures in sent.items():
        print(f"{name}: " + ", ".join(f"{value:.1f} {key.replace('_', ' ')}" for key, value in figures.items()))
    slowest = min(values["median"] for values in speeds.values())
    limits = [
        *(
            measure.Limit(f"hosts per CPU-second, {name}", values["median"], LEAST_HOSTS, is_ceiling=False)
            for name, values in speeds.items()
        ),
        measure.Limit("CPU ms of an asked host, at most", MS / slowest, MAX_MS, is_ceiling=True),
    ]
    return measure.publish("prompt", vars(arguments), {"hosts_per_cpu_second": speeds, "sent": sent}, limits)


if __name__ == "__main__":
    sys.exit(main())
