"""Contenders take turns over data in memory, so that a busy moment of the machine hits each alike."""

import gc
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Work = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Contender:
    """What is timed. The work of one that `is_program` is done by processes that it starts and waits for."""

    work: Work
    data: bytes
    is_program: bool = False

    def cpu_seconds(self) -> float:
        """Work once; return the CPU time. What others left behind is not collected at this one's expense."""
        gc.collect()
        clock = _children_seconds if self.is_program else time.process_time
        begin = clock()
        self.work(self.data)
        return max(clock() - begin, 1e-6)


def seconds_per_mb(contenders: Mapping[str, Contender], rounds: int) -> Mapping[str, Sequence[float]]:
    """Return CPU-seconds per MB of all contenders, round by round."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            seen[name].append(contender.cpu_seconds() / (len(contender.data) / 1e6))
    return seen


def ratios(values: Sequence[float], others: Sequence[float]) -> Sequence[float]:
    """Return one by the other, round by round."""
    return [value / other for value, other in zip(values, others, strict=True)]


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
