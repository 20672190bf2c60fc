"""How fast logs are understood, in MB per CPU-second on one core, beside the limits of the machine, in one run.

    python bench/analyze.py [--megabytes 8] [--rounds 5] [--loghub FOLDER]

With --loghub the grouping accuracy is measured as well, as by bench/grouping.py.
"""

import argparse
import json
import platform
import random
import resource
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grouping import grouping_accuracy

from dthostmon import templates
from dthostmon.analysis import examine
from dthostmon.model import Thresholds
from dthostmon.rules import RuleSet, builtin_folder, load_packs

RESULT = Path(__file__).with_name("results") / "analyze.json"
SEED = 20_26
GOAL_NUMBERS_VARY = 40.0

# one line per kind that an ordinary server writes, about as often as it writes them; # is a number, @ an address
ORDINARY = (
    "CRON[#]: (root) CMD (test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; })",
    "CRON[#]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "CRON[#]: pam_unix(cron:session): session closed for user root",
    "sshd[#]: Failed password for root from @ port # ssh2",
    "sshd[#]: Connection closed by authenticating user root @ port # [preauth]",
    "sshd[#]: Accepted publickey for deploy from @ port # ssh2: ED25519 SHA256:kbVdYyYbXJq1G8xO",
    "systemd[1]: Started session-#.scope - Session # of User deploy.",
    "systemd[1]: logrotate.service: Deactivated successfully.",
    "systemd-logind[401]: New session # of user deploy.",
    "kernel: [#.#] [UFW BLOCK] IN=eth0 OUT= SRC=@ DST=192.0.2.10 LEN=# TTL=# ID=# PROTO=TCP SPT=# DPT=#",
    "postfix/smtpd[#]: connect from unknown[@]",
    "postfix/qmgr[#]: removed after # ms, queue holds # messages",
    "nginx: @ - - request # answered 200 with # bytes in #.# ms",
    "dhclient[700]: bound to @ -- renewal in # seconds.",
)


def seeded() -> random.Random:
    """Return the source of all chance here: every run measures the same bytes."""
    return random.Random(SEED)  # noqa: S311  # nothing here is secret


@dataclass(frozen=True)
class Speed:
    """MB per CPU-second over the rounds: the median, the slowest and the fastest."""

    name: str
    median: float
    slowest: float
    fastest: float


def numbers_vary(size: int, chance: random.Random) -> bytes:
    """Return a syslog whose lines repeat but for their numbers and addresses."""
    return _log(size, chance, lambda: _filled(chance.choice(ORDINARY), chance))


def all_parameters_vary(size: int, chance: random.Random) -> bytes:
    """Return a syslog in which each parameter of each line is a random word."""
    forms = (
        "sshd[#]: Invalid user $ from @ port #",
        "app[#]: request $ of user $ for /$/$ took # ms, trace=$",
        "nginx: $ $ $ $",
    )
    return _log(size, chance, lambda: _filled(chance.choice(forms), chance))


def hostile(size: int, chance: random.Random) -> bytes:
    """Return what an attacker would write: binary junk, long lines, unclosed quotes, and a flood of failing rules."""

    def line() -> str:
        opening = chance.choice(("sshd[#]: Failed password for ", "kernel: ", "sudo: ", "systemd[1]: ", ""))
        unit = chance.choice(
            ("'", '"', "(", "a.", "=", "/", "user ", " for ", "\x1b[", "\xff", "$ ", " from ", "COMMAND=")
        )
        return _filled(opening, chance) + _filled(unit * chance.choice((1, 30, 3000)), chance)

    return _log(size, chance, line)


def _log(size: int, chance: random.Random, line: Callable[[], str]) -> bytes:
    lines = []
    while size > 0:
        clock = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
        lines.append(f"Jul {chance.randint(1, 28):2} {clock} web1 {line()}\n".encode("utf-8", "replace"))
        size -= len(lines[-1])
    return b"".join(lines)


def _filled(form: str, chance: random.Random) -> str:
    return "".join(_parameter(character, chance) for character in form)


def _parameter(character: str, chance: random.Random) -> str:
    if character == "#":
        return str(chance.randint(0, 10 ** chance.randint(1, 5)))
    if character == "@":
        return ".".join(str(chance.randint(0, 255)) for _ in range(4))
    if character == "$":
        return "".join(chance.choices(string.ascii_lowercase + string.digits, k=chance.randint(3, 12)))
    return character


def understand(data: bytes, rules: RuleSet) -> None:
    """Do what a visit does with new bytes."""
    examine([("/var/log/syslog", data)], rules, Thresholds(), None)


def count_only(data: bytes) -> None:
    """Do the least that any counting by shape has to do."""
    for block in templates.blocks(data):
        Counter(templates.split_keys(block))


def count_with_wc(data: bytes) -> None:
    """Count lines with wc, from a file in memory where there is one."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:  # noqa: S108
        file.write(data)
        file.flush()
        subprocess.run(["wc", "-l", file.name], check=True, capture_output=True)


def measure(size: int, rounds: int) -> list[Speed]:
    """Time all contenders in turn, so that a busy moment of the machine hits each alike."""
    rules = load_packs([builtin_folder()])
    logs = {
        "numbers vary": numbers_vary(size, seeded()),
        "every parameter random": all_parameters_vary(size // 2, seeded()),
        "hostile": hostile(size // 4, seeded()),
    }
    contenders: dict[str, tuple[bytes, Callable[[bytes], None]]] = {
        **{f"examine, {name}": (data, lambda data: understand(data, rules)) for name, data in logs.items()},
        "limit: translate + split + Counter": (logs["numbers vary"], count_only),
        "limit: wc -l": (logs["numbers vary"], count_with_wc),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (data, work) in contenders.items():
            speeds[name].append(len(data) / 1e6 / max(_cpu_seconds(work, data), 1e-6))
    return [Speed(name, statistics.median(seen), min(seen), max(seen)) for name, seen in speeds.items()]


def _cpu_seconds(work: Callable[[bytes], None], data: bytes) -> float:
    own, children = time.process_time(), _children_seconds()
    work(data)
    waited_for = _children_seconds() - children
    return waited_for or time.process_time() - own


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure, print a table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=8, help="size of the log whose numbers vary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loghub", type=Path, help="folder with labelled logs")
    arguments = parser.parse_args()
    speeds = measure(arguments.megabytes * 1_000_000, arguments.rounds)
    print(f"{'MB per CPU-second':<38}{'median':>9}{'slowest':>9}{'fastest':>9}")
    for speed in speeds:
        print(f"{speed.name:<38}{speed.median:>9.1f}{speed.slowest:>9.1f}{speed.fastest:>9.1f}")
    print(f"goal for numbers vary: {GOAL_NUMBERS_VARY}, {'met' if speeds[0].median >= GOAL_NUMBERS_VARY else 'MISSED'}")
    accuracies = dict(grouping_accuracy(arguments.loghub)) if arguments.loghub else {}
    for name, accuracy in accuracies.items():
        print(f"grouping accuracy {name:<20}{accuracy:>9.3f}")
    if accuracies:
        print(f"grouping accuracy {'average':<20}{statistics.mean(accuracies.values()):>9.3f}")
    else:
        print("grouping accuracy: not measured, no --loghub FOLDER was given", file=sys.stderr)
    _write(speeds, accuracies, arguments)


def _write(speeds: Sequence[Speed], accuracies: dict[str, float], arguments: argparse.Namespace) -> None:
    document = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "megabytes": arguments.megabytes,
        "rounds": arguments.rounds,
        "goal_numbers_vary": GOAL_NUMBERS_VARY,
        "mb_per_cpu_second": [asdict(speed) for speed in speeds],
        "grouping_accuracy": accuracies,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
