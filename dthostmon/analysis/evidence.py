"""Lines that a finding shows."""

from collections.abc import Sequence

from dthostmon.model import Evidence


def in_order(lines: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return lines in the order of their times, where all of them tell one."""
    times = [line.time for line in lines if line.time is not None]
    if len(times) < len(lines):
        return tuple(lines)
    return tuple(line for _, line in sorted(zip(times, lines, strict=True), key=lambda item: item[0]))
