"""How fast lines are freed of secrets: ordinary ones, ones that hold a secret, and pseudonyms.

python bench/redact.py [--lines N] [--rounds N]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from log_lines import seeded, some_lines
from measure import Limit, own_memory, print_head, print_row, publish, spread

from dthostmon.redact import redact
from dthostmon.redact.pseudonyms import Pseudonyms

LEAST_LINES_PER_SECOND = 20_000
SECRETS = (
    "sudo: alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/mysql -uroot -phunter2hunter app",
    'nginx: 203.0.113.9 - - "GET /api?token=a1b2c3d4e5f6g7h8&page=2 HTTP/1.1" 200 12 "-" "curl/8.5.0"',
    "sshd[4711]: Failed password for invalid user Sommer2024! from 203.0.113.9 port 40000 ssh2",
    "app[12]: connecting to postgres://app:Tr0ub4dor3@db:5432/app",
    "postfix/qmgr[4713]: 4F89A1B2C3: from=<alice.smith@example.com>, size=1234, nrcpt=1 (queue active)",
)


def speed(work: Callable[[str], object], lines: Sequence[str]) -> float:
    """Return lines per second of CPU time."""
    begun = time.process_time()
    for line in lines:
        work(line)
    return len(lines) / (time.process_time() - begun)


def main() -> int:
    """Measure, print a table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ordinary = some_lines(options.lines, seeded()).decode().splitlines()
    secret = [SECRETS[index % len(SECRETS)] for index in range(options.lines // 4)]
    parts: dict[str, tuple[Callable[[str], object], Sequence[str]]] = {
        "ordinary lines": (redact, ordinary),
        "lines with a secret each": (redact, secret),
        "pseudonyms": (Pseudonyms(["web1"]).pseudonymise, ordinary),
    }
    found = {name: spread([speed(*part) for _ in range(options.rounds)]) for name, part in parts.items()}
    print_head("lines/s of CPU time")
    for name, figures in found.items():
        print_row(name, figures, 0)
    memory = own_memory("VmRSS", "status") / 1e6
    median = found["ordinary lines"]["median"]
    limits = [Limit("ordinary lines, lines/s", median, LEAST_LINES_PER_SECOND, is_ceiling=False)]
    return publish("redact", vars(options), {"lines_per_second": found, "rss_mb": round(memory, 1)}, limits)


if __name__ == "__main__":
    sys.exit(main())
