"""What the benchmarks share: limits, spreads, the machine they ran on, and their results as files."""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

PACKAGES = ("ansible-core", "asyncssh", "cryptography", "drain3", "parallel-ssh", "paramiko", "sqlalchemy")
RESULTS = Path(__file__).with_name("results")
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure and what it may be; `figure` is None where the parameters left it unmeasured."""

    name: str
    figure: float | None
    bound: float
    is_ceiling: bool

    @property
    def met(self) -> bool | None:
        """Whether it holds; None = not measured."""
        if self.figure is None:
            return None
        return self.figure <= self.bound if self.is_ceiling else self.figure >= self.bound

    def __str__(self) -> str:
        sign = "<=" if self.is_ceiling else ">="
        figure = "not measured" if self.figure is None else f"{self.figure:.2f}"
        verdict = {True: "met", False: "MISSED", None: "-"}[self.met]
        return f"{self.name:<52}{figure:>13}   {sign} {self.bound:<7g} {verdict}"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the least and the greatest."""
    return {
        "median": round(statistics.median(values), DIGITS),
        "min": round(min(values), DIGITS),
        "max": round(max(values), DIGITS),
    }


def print_row(name: str, values: Mapping[str, float], digits: int) -> None:
    """Print a line of a table: median, least and greatest."""
    print(f"{name:<54}" + "".join(f"{values[key]:>9.{digits}f}" for key in ("median", "min", "max")))


def print_head(title: str) -> None:
    """Print the line above such lines."""
    print(f"\n{title:<54}{'median':>9}{'min':>9}{'max':>9}")


def publish(name: str, parameters: Mapping[str, object], figures: Mapping[str, object], limits: Sequence[Limit]) -> int:
    """Write results/NAME.json, print the limits, and return the exit code: 1 where one is missed."""
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "parameters": dict(parameters),
        **figures,
        "limits": [_described(limit) for limit in limits],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print()
    for limit in limits:
        print(limit)
    return int(any(limit.met is False for limit in limits))


def machine() -> dict[str, object]:
    """Tell what the figures depend on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "openssh": _openssh_version(),
        **{package: found for package in PACKAGES if (found := _version(package))},
    }


def own_memory(figure: str, file: str = "smaps_rollup") -> int:
    """Return a figure of this process's memory in bytes: Pss of smaps_rollup, VmRSS or VmHWM of status."""
    lines = Path("/proc/self", file).read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{figure}:"))


def end_in_order_when_terminated() -> None:
    """Make SIGTERM an ordinary exit, so that everything that was started is stopped on the way out."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _openssh_version() -> str:
    said = subprocess.run(["ssh", "-V"], check=True, capture_output=True, text=True).stderr
    return said.split(",")[0].split()[0]


def _described(limit: Limit) -> dict[str, object]:
    return {
        "name": limit.name,
        "figure": None if limit.figure is None else round(limit.figure, DIGITS),
        "at_most" if limit.is_ceiling else "at_least": limit.bound,
        "met": limit.met,
    }
