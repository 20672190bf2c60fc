"""The samples of the rules: lines of about 150 programs, none of which holds a secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from dthostmon.redact import redact
from dthostmon.rules import builtin_folder

MARK = "[redacted: e-mail address]"
FEWEST_SAMPLES = 3_000


def samples() -> Iterator[str]:
    for pack in sorted(Path(builtin_folder()).glob("*.yaml")):
        for rule in yaml.safe_load(pack.read_text(encoding="utf-8"))["rules"]:
            for lines in rule.get("samples", {}).values():
                yield from (line for line in lines if isinstance(line, str))


def test_nothing_but_mail_addresses_is_taken_out_of_a_sample() -> None:
    lines = list(samples())
    assert len(lines) > FEWEST_SAMPLES
    for line in lines:
        mailbox = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
        assert re.fullmatch(mailbox.join(map(re.escape, redact(line).split(MARK))), line), redact(line)
