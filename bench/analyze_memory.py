"""What understanding a large log takes of memory: in a process of its own, in the pieces that visits read.

    python bench/analyze_memory.py FILE

`analyze.py` starts it. Everything is imported and all rules are loaded before the first figure is taken; the greatest
size that the kernel saw from then on is compared with it.
"""

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import measure
from made_logs import BEGIN

from dthostmon.analysis import Moment, examine
from dthostmon.app import memory
from dthostmon.logs.reading import Caps
from dthostmon.model import Thresholds
from dthostmon.rules import RuleSet, builtin_folder, load_packs


def next_piece(log: BinaryIO) -> bytes:
    """Return what a visit reads next: whole lines, as much as one log may give at once."""
    data = log.read(Caps().log)
    end = data.rfind(b"\n") + 1 or len(data)
    log.seek(end - len(data), os.SEEK_CUR)
    return data[:end]


def understand(data: bytes, rules: RuleSet) -> int:
    """Do what a visit does with new bytes, and keep none of it; return how many lines there were."""
    return examine([("/var/log/syslog", data)], rules, Thresholds(), None, None, Moment(BEGIN)).lines


def understood(log: Path) -> dict[str, int]:
    """Read a log to its end as the daemon does, with its heap settings; return sizes in bytes."""
    memory.keep_heap_small()
    rules = load_packs([builtin_folder()])
    memory.give_back_free_memory()
    before = measure.own_memory("VmRSS", "status")
    Path("/proc/self/clear_refs").write_text("5")
    size = lines = 0
    with log.open("rb") as file:
        while data := next_piece(file):
            size, lines = size + len(data), lines + understand(data, rules)
            del data  # the next one must not stand beside it
            memory.give_back_free_memory()
    greatest = measure.own_memory("VmHWM", "status")
    return {"bytes": size, "lines": lines, "before": before, "greatest": greatest, "growth": greatest - before}


if __name__ == "__main__":
    print(json.dumps(understood(Path(sys.argv[1]))))
