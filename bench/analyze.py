"""How fast lines are understood and what memory that takes, from bytes to findings, beside other ways to read a log.

    python bench/analyze.py [--megabytes 8] [--rounds 5] [--memory-megabytes 200] [--drain3-ini FILE]

Speeds are MB per CPU-second on one core. All that is compared takes turns in one process, and the figures are medians
over the rounds. Where something costs more for each byte the more there is of it, a ratio of costs shows it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import measure
from analyze_memory import understand
from hostile_logs import all_kinds, lines_of
from line_readers import Reader, drain3, limits, logcheck
from made_logs import all_parameters_vary, numbers_vary, seeded, taken
from many_rules import rules_of_measured_programs, with_made_rules
from turns import Contender, ratios, seconds_per_mb

from dthostmon.rules import RuleSet, builtin_folder, load_packs

NUMBERS, RANDOM = "numbers vary", "every parameter random"
MAKERS = {NUMBERS: numbers_vary, RANDOM: all_parameters_vary}
LEAST_SPEED = {NUMBERS: 60.0, RANDOM: 8.0}
LEAST_HOSTILE_SPEED = 1.0
MAX_GROWTH_MB = 25.0
SLOPE_STEPS = (1, 4, 16)
LINE_LENGTHS = (1_000, 16_000, 256_000, 1_000_000)
MAX_SLOPE = 1.3
MADE_RULES = 1000
LEAST_RULES_RATIO = 0.5
FEW_RULES, BUILTIN_RULES = "of its programs", "builtin"

OURS = "dthostmon"
SMALL_PART = 4  # the random log beside the one whose numbers vary, and the logs for whatever is slow
LOGCHECK_PART = 32  # its cost is the same for each line
WRITE_BYTES = 4_000_000

Spread = Mapping[str, float]
Spreads = Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class Result:
    """What a part of the benchmark found: figures for the file, rows for the table, limits."""

    figures: Mapping[str, object]
    limits: Sequence[measure.Limit]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all parts share."""

    size: int
    rounds: int
    rules: RuleSet

    def size_of(self, log: str) -> int:
        """Return how much of a log is made."""
        return self.size if log == NUMBERS else self.size // SMALL_PART

    def ours(self, data: bytes, rules: RuleSet | None = None) -> Contender:
        """Return dthostmon as a contender."""
        used = self.rules if rules is None else rules
        return Contender(lambda data: understand(data, used), data)


def made(log: str, size: int) -> bytes:
    """Return the first bytes of a log."""
    return taken(MAKERS[log](seeded()), size)


def side_by_side(setting: Setting, readers: Mapping[str, Reader]) -> Result:
    """Compare with other readers, each log in turn."""
    logs = {log: made(log, setting.size_of(log)) for log in MAKERS}
    here = {name: reader for name, reader in readers.items() if not reader.missing}
    contenders = {
        (log, name): contender for log, data in logs.items() for name, contender in _all_on(data, here, setting).items()
    }
    speeds = _speeds({f"{log}: {name}": contender for (log, name), contender in contenders.items()}, setting.rounds)
    measure.print_head("MB per CPU-second")
    for name, values in speeds.items():
        measure.print_row(name, values, 1)
    missing = {name: reader.missing for name, reader in readers.items() if reader.missing}
    for name, part in missing.items():
        print(f"{name:<54}  not measured: {part} is not installed")
    bounds = [
        measure.Limit(f"MB per CPU-second, {log}", speeds[f"{log}: {OURS}"]["median"], bound, is_ceiling=False)
        for log, bound in LEAST_SPEED.items()
    ]
    return Result({"mb_per_cpu_second": speeds, "missing": missing}, bounds)


def _all_on(data: bytes, readers: Mapping[str, Reader], setting: Setting) -> Mapping[str, Contender]:
    others = {
        name: Contender(reader.work, _part(data) if "logcheck" in name else data, reader.is_program)
        for name, reader in readers.items()
    }
    return {OURS: setting.ours(data), **others}


def _part(data: bytes) -> bytes:
    return data[: data.index(b"\n", len(data) // LOGCHECK_PART) + 1]


def hostile(setting: Setting) -> Result:
    """Read what wears a monitor down."""
    size = setting.size // SMALL_PART
    logs = {name: taken(lines(seeded()), size) for name, lines in all_kinds(setting.rules).items()}
    speeds = _speeds({name: setting.ours(data) for name, data in logs.items()}, setting.rounds)
    measure.print_head("MB per CPU-second on hostile lines")
    for name, values in speeds.items():
        measure.print_row(name, values, 1)
    bounds = [
        measure.Limit(f"MB per CPU-second, {name}", values["median"], LEAST_HOSTILE_SPEED, is_ceiling=False)
        for name, values in speeds.items()
    ]
    return Result({"hostile_mb_per_cpu_second": speeds}, bounds)


def slope_in_size(setting: Setting) -> Result:
    """Compare the cost of a byte in a log with that in longer ones that begin with it."""
    result: dict[str, object] = {}
    bounds = []
    for log in MAKERS:
        whole = made(log, setting.size_of(log) // SMALL_PART * SLOPE_STEPS[-1])
        parts = {f"{step} x": _first(whole, step, SLOPE_STEPS[-1]) for step in SLOPE_STEPS}
        costs, slope = _slope({name: setting.ours(part) for name, part in parts.items()}, setting.rounds)
        result[log] = {"cpu_seconds_per_mb": costs, "ratio": slope}
        _print_slope(f"size, {log}", costs, slope)
        bounds.append(measure.Limit(f"a byte's cost at 16 x, {log}", slope["median"], MAX_SLOPE, is_ceiling=True))
    return Result({"slope_in_size": result}, bounds)


def slope_in_line_length(setting: Setting) -> Result:
    """Compare the cost of a byte in lines of 1 KB with that in longer ones."""
    size = max(setting.size // 2, LINE_LENGTHS[-1])
    logs = {f"{length // 1000} KB": taken(lines_of(length, seeded()), size) for length in LINE_LENGTHS}
    costs, slope = _slope({name: setting.ours(data) for name, data in logs.items()}, setting.rounds)
    _print_slope("length of lines", costs, slope)
    bound = measure.Limit("a byte's cost in longer lines, at most", slope["median"], MAX_SLOPE, is_ceiling=True)
    return Result({"slope_in_line_length": {"cpu_seconds_per_mb": costs, "ratio": slope}}, [bound])


def _first(whole: bytes, step: int, steps: int) -> bytes:
    return whole[: whole.index(b"\n", len(whole) * step // steps - 1) + 1]


def _slope(contenders: Mapping[str, Contender], rounds: int) -> tuple[Mapping[str, Spread], Spread]:
    """Return what each cost per MB, and the greatest cost of the later ones as a multiple of the first."""
    seen = seconds_per_mb(contenders, rounds)
    first, *later = seen.values()
    greatest = [max(values) for values in zip(*later, strict=True)]
    return {name: measure.spread(values) for name, values in seen.items()}, measure.spread(ratios(greatest, first))


def _print_slope(title: str, costs: Mapping[str, Spread], slope: Spread) -> None:
    measure.print_head(f"CPU-seconds per MB by {title}")
    for name, values in costs.items():
        measure.print_row(name, values, 4)
    measure.print_row("the greatest as a multiple of the first", slope, 2)


def many_rules(setting: Setting) -> Result:
    """Compare the builtin rules with none, with few that judge the same lines, and with a thousand more."""
    with tempfile.TemporaryDirectory() as named, tempfile.TemporaryDirectory() as unnamed:
        sets = {
            "none": RuleSet(()),
            FEW_RULES: rules_of_measured_programs(setting.rules),
            BUILTIN_RULES: setting.rules,
            "+ 1,000": with_made_rules(MADE_RULES, Path(named)),
            "+ 1,000 of no program": with_made_rules(MADE_RULES, Path(unnamed), ()),
        }
    counts = {name: len(rules.rules) for name, rules in sets.items()}
    by_log = {log: _with_rules(log, sets, setting) for log in MAKERS}
    bounds = [
        measure.Limit(f"speed, {name}, {log}", shares[name]["median"], LEAST_RULES_RATIO, is_ceiling=False)
        for log, (_, shares) in by_log.items()
        for name in shares
        if "no program" not in name
    ]
    figures = {log: {"mb_per_cpu_second": speeds, **shares} for log, (speeds, shares) in by_log.items()}
    return Result({"rules": {"count": counts, **figures}}, bounds)


def _with_rules(log: str, sets: Mapping[str, RuleSet], setting: Setting) -> tuple[Spreads, Spreads]:
    """Return the speed with each set of rules, and what is left with the last two of the speed with fewer."""
    data = made(log, setting.size_of(log))
    costs = seconds_per_mb({name: setting.ours(data, rules) for name, rules in sets.items()}, setting.rounds)
    speeds = {f"{name} ({len(sets[name].rules)})": _as_speed(seen) for name, seen in costs.items()}
    shares = {
        f"{many} : {fewer}": measure.spread(ratios(costs[fewer], costs[many]))
        for many in list(sets)[-2:]
        for fewer in (FEW_RULES, BUILTIN_RULES)
    }
    measure.print_head(f"MB per CPU-second by rules, {log}")
    for name, values in (*speeds.items(), *shares.items()):
        measure.print_row(name, values, 2)
    return speeds, shares


def memory_growth(setting: Setting, megabytes: float) -> Result:
    """Read a large log in a process of its own, and a part of one in which everything varies."""
    result: dict[str, Mapping[str, int]] = {}
    for log, lines in MAKERS.items():
        size = int(megabytes * 1e6) // (1 if log == NUMBERS else SMALL_PART)
        result[log] = _memory_of(lines(seeded()), size)
    kinds = all_kinds(setting.rules)
    flood = "flood of distinct lines"
    result[flood] = _memory_of(kinds[flood](seeded()), int(megabytes * 1e6) // SMALL_PART // SMALL_PART)
    print(f"\n{'memory, MB':<36}{'log':>9}{'before':>9}{'greatest':>10}{'growth':>9}")
    for log, seen in result.items():
        columns = [seen[name] / 1e6 for name in ("bytes", "before", "greatest", "growth")]
        print(f"{log:<36}{columns[0]:>9.1f}{columns[1]:>9.1f}{columns[2]:>10.1f}{columns[3]:>9.1f}")
    bounds = [
        measure.Limit(f"growth in MB, {log}", seen["growth"] / 1e6, MAX_GROWTH_MB, is_ceiling=True)
        for log, seen in result.items()
    ]
    return Result({"memory": result}, bounds)


def _memory_of(lines: Iterator[bytes], size: int) -> Mapping[str, int]:
    with tempfile.NamedTemporaryFile(prefix="dthostmon-bench-") as log:
        while log.tell() < size:
            log.write(taken(lines, min(WRITE_BYTES, size - log.tell())))
        log.flush()
        command = [sys.executable, str(Path(__file__).with_name("analyze_memory.py")), log.name]
        seen: dict[str, int] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        if seen["bytes"] != log.tell():
            raise SystemExit(f"{seen['bytes']} of {log.tell()} bytes were read")
    return seen


def _speeds(contenders: Mapping[str, Contender], rounds: int) -> Mapping[str, Spread]:
    return {name: _as_speed(costs) for name, costs in seconds_per_mb(contenders, rounds).items()}


def _as_speed(costs: Sequence[float]) -> Spread:
    return measure.spread([1 / cost for cost in costs])


def main() -> int:
    """Measure, print tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=8, help="size of the log whose numbers vary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-megabytes", type=float, default=200, help="size of the log for memory")
    parser.add_argument("--drain3-ini", type=Path, help="masks of Drain3, instead of those of its documentation")
    arguments = parser.parse_args()
    measure.end_in_order_when_terminated()
    setting = Setting(int(arguments.megabytes * 1e6), arguments.rounds, load_packs([builtin_folder()]))
    with ExitStack() as stack:
        readers = {**drain3(arguments.drain3_ini), **logcheck(stack), **limits()}
        parts: Sequence[Callable[[], Result]] = (
            lambda: side_by_side(setting, readers),
            lambda: hostile(setting),
            lambda: slope_in_size(setting),
            lambda: slope_in_line_length(setting),
            lambda: many_rules(setting),
            lambda: memory_growth(setting, arguments.memory_megabytes),
        )
        results = [part() for part in parts]
    parameters = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    figures = {key: value for result in results for key, value in result.figures.items()}
    return measure.publish("analyze", parameters, figures, [*chain.from_iterable(one.limits for one in results)])


if __name__ == "__main__":
    sys.exit(main())
