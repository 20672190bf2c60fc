"""Rules by the hundred, made as packs: what they cost beside those that come with dthostmon."""

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from dthostmon.rules import RuleSet, builtin_folder, load_packs

RULES_PER_PACK = 25
# as the measured logs hold them
MEASURED_PROGRAMS = (
    "sshd", "kernel", "systemd", "systemd-logind", "CRON", "postfix/smtpd", "postfix/qmgr", "nginx", "dhclient", "app",
)  # fmt: skip
# of those, and of others as they run on servers
PROGRAMS = (
    "sshd", "kernel", "systemd", "systemd-logind", "CRON", "smtpd", "qmgr", "nginx", "dhclient", "app",
    "apache2", "haproxy", "traefik", "postgres", "mariadbd", "redis-server", "mongod", "rabbitmq", "dockerd",
    "containerd", "kubelet", "named", "unbound", "dnsmasq", "dovecot", "exim4", "opendkim", "smartd", "mdadm", "zed",
    "multipathd", "chronyd", "ntpd", "NetworkManager", "wpa_supplicant", "openvpn", "charon", "smbd", "nfsd", "vsftpd",
    "proftpd", "keepalived", "libvirtd", "pveproxy", "php-fpm", "gunicorn", "java", "auditd", "fail2ban-server",
    "certbot",
)  # fmt: skip
SUBJECTS = (
    "certificate", "worker", "queue", "connection", "replica", "volume", "backend", "lease", "session", "snapshot",
    "listener", "journal", "cache", "socket", "pool", "partition", "token", "mailbox", "zone", "tunnel",
)  # fmt: skip
TROUBLES = (
    "could not be opened", "timed out after", "was refused by", "is corrupt at", "exceeds its limit of",
    "does not answer to", "was lost with", "ran out of", "cannot be written to", "expired before",
)  # fmt: skip
# what stands in the measured lines too, so that some expressions are tried and fail
FREQUENT = ("port ", "session ", "user ", "from ", "Started ", "request ")
FREQUENT_EVERY = 33


def with_made_rules(count: int, folder: Path, programs: tuple[str, ...] = PROGRAMS) -> RuleSet:
    """Load the builtin packs and `count` made rules beside them; `folder` is where those are written."""
    for number, pack in enumerate(_packs(count, programs)):
        (folder / f"made{number}.yaml").write_text(json.dumps(pack), encoding="utf-8")
    rules = load_packs([builtin_folder(), folder])
    if rules.refused:
        raise SystemExit(f"packs were refused: {rules.refused[:3]}")
    return rules


def rules_of_measured_programs(rules: RuleSet) -> RuleSet:
    """Leave those rules that name a program of the measured logs: they judge the same lines as all do."""
    names = {program.lower() for program in MEASURED_PROGRAMS}
    kept = [rule for rule in rules.rules if names.intersection(program.lower() for program in rule.programs)]
    return RuleSet(tuple(kept), sequences=rules.sequences)


def _packs(count: int, programs: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Yield packs with `count` rules in all; JSON is YAML as well."""
    made = islice(_rules(programs), count)
    while rules := list(islice(made, RULES_PER_PACK)):
        yield {"rules": rules}


def _rules(programs: tuple[str, ...]) -> Iterator[dict[str, object]]:
    chance = random.Random(len(programs))  # noqa: S311  # nothing here is secret
    for number in range(10_000):
        subject, trouble = SUBJECTS[number % len(SUBJECTS)], chance.choice(TROUBLES)
        literal = (
            chance.choice(FREQUENT) if number % FREQUENT_EVERY == 0 else f"{subject} {number_name(number)} {trouble}"
        )
        yield {
            "id": f"made.rule-{number}",
            "kind": "made",
            "severity": "WARN",
            **({"programs": [programs[number % len(programs)]]} if programs else {}),
            "contains": [literal],
            "match": rf"(?:^|: ){subject} {number_name(number)} {trouble} (?P<what>\S+)(?: \((?P<reason>[^)]*)\))?$",
            "fields": ["what"],
            "group_by": ["what"],
            "title": f"The {subject} {{what}} {trouble} something",
            "meaning": "One of many rules.",
            "samples": {
                "match": [
                    f"{subject} {number_name(number)} {trouble} {literal.strip().rpartition(' ')[2]} (no space left)"
                ],
                "no_match": [f"no {subject} here"],
            },
        }


def number_name(number: int) -> str:
    """Return a name without digits: literals may hold none."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
