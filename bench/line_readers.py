"""Other ways to read a log: Drain3, logcheck's rules, and the limits of the machine."""

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from turns import Work

PIECE_BYTES = 1 << 20
DIGITS = bytes.maketrans(b"123456789", b"000000000")
LOGCHECK_FOLDER = Path("/etc/logcheck")
LOGCHECK_PACKAGE = "logcheck-database"
FETCH_SECONDS = 60
# what logcheck searches at its usual level: attacks, violations, and what is not to be ignored
LOGCHECK_PASSES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "cracking": (["cracking.d"], []),
    "violations": (["violations.d"], []),
    "others": (["ignore.d.paranoid", "ignore.d.server"], ["-v"]),
}
# the bytes of the C locale are the fastest for grep
PLAIN_LOCALE = {**os.environ, "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Reader:
    """A way to read; `missing` names the part that is not there."""

    work: Work
    missing: str | None = None
    is_program: bool = False


def drain3(ini: Path | None) -> Mapping[str, Reader]:
    """Return Drain3 as it comes, and with the masks that its documentation gives as an example, or those of a file."""
    missing = None if find_spec("drain3") else "drain3"
    masked = f"Drain3 with the masks of {ini.name}" if ini else "Drain3 with its documented masks"
    return {
        "Drain3 as shipped": Reader(lambda data: _mine(data, None), missing),
        masked: Reader(lambda data: _mine(data, lambda config: _mask(config, ini)), missing),
    }


def _mine(data: bytes, configure: Callable[[Any], None] | None) -> None:
    config = import_module("drain3.template_miner_config").TemplateMinerConfig()
    if configure:
        configure(config)
    config.profiling_enabled = False
    miner = import_module("drain3").TemplateMiner(config=config)
    for line in data.decode("utf-8", "replace").split("\n"):
        miner.add_log_message(line)


def _mask(config: Any, ini: Path | None) -> None:  # the package has no types
    if ini:
        config.load(str(ini))
        return
    instruction = import_module("drain3.masking").MaskingInstruction
    config.masking_instructions = [instruction(each["regex_pattern"], each["mask_with"]) for each in documented_masks()]


def documented_masks() -> Sequence[Mapping[str, str]]:
    """Return the masks that stand in the description of the installed package, one JSON object a line."""
    lines = (line.strip().rstrip(",") for line in str(metadata("drain3")).splitlines())
    return [json.loads(line) for line in lines if line.startswith('{"regex_pattern"')]


def logcheck(stack: ExitStack) -> Mapping[str, Reader]:
    """Return grep with logcheck's stock rules. Where they are not installed, the package is unpacked for the time."""
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dthostmon-bench-")))
    folder = LOGCHECK_FOLDER if _holds_rules(LOGCHECK_FOLDER) else _fetched(place)
    if folder is None:
        return {"grep with logcheck's rules": Reader(lambda _: None, LOGCHECK_PACKAGE)}
    commands, total = [], 0
    for name, (folders, flags) in LOGCHECK_PASSES.items():
        rules = [rule for part in folders for rule in _rules_of(folder / part)]
        (place / name).write_bytes(b"".join(rules))
        commands.append(["grep", "-E", *flags, "-f", str(place / name)])
        total += len(rules)
    return {f"grep with logcheck's {total} rules": Reader(lambda data: on_file(data, commands), is_program=True)}


def _holds_rules(folder: Path) -> bool:
    """Tell whether the package is there: other packages add a file to a folder of it without needing it."""
    return all((folder / part).is_dir() for folders, _ in LOGCHECK_PASSES.values() for part in folders)


def _fetched(place: Path) -> Path | None:
    """Have apt-get fetch the package and unpack it there: no root is needed, and nothing is installed."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    try:
        for command in (["apt-get", "download", "-qq", LOGCHECK_PACKAGE], ["sh", "-c", "dpkg-deb -x ./*.deb ."]):
            subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=FETCH_SECONDS)
    except (subprocess.SubprocessError, OSError):
        return None
    folder = place / LOGCHECK_FOLDER.relative_to("/")
    return folder if _holds_rules(folder) else None


def _rules_of(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.iterdir()):
        for line in file.read_bytes().splitlines():
            if line.strip() and not line.startswith(b"#"):
                yield line + b"\n"


def limits() -> Mapping[str, Reader]:
    """Return the least that any reading takes."""
    return {
        "translate, split, Counter": Reader(count_keys),
        "grep -c": Reader(lambda data: on_file(data, [["grep", "-c", "Failed password"]]), is_program=True),
        "wc -l": Reader(lambda data: on_file(data, [["wc", "-l"]]), is_program=True),
    }


def count_keys(data: bytes) -> int:
    """Count lines that differ but in their digits, piece by piece; return how many distinct ones there were."""
    distinct = 0
    for start in range(0, len(data), PIECE_BYTES):
        distinct += len(Counter(data[start : start + PIECE_BYTES].translate(DIGITS).split(b"\n")))
    return distinct


def on_file(data: bytes, commands: Sequence[Sequence[str]]) -> None:
    """Run commands on a file with the data, in memory where that can be.

    What they print is read: into /dev/null grep prints nothing and stops at the first match. It exits with 1 where it
    finds nothing.
    """
    memory = Path("/dev/shm")  # noqa: S108  # the file's name is drawn
    with tempfile.NamedTemporaryFile(dir=memory if memory.is_dir() else None) as file:
        file.write(data)
        file.flush()
        for command in commands:
            done = subprocess.run([*command, file.name], check=False, stdout=subprocess.PIPE, env=PLAIN_LOCALE)
            if done.returncode > 1:
                raise SystemExit(f"{command} failed")
