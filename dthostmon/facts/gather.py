"""Runs the probes of a visit: in one exec, or where there is no shell from files."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.bundle import run_bundled
from dthostmon.facts.client import CLIENT
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.inventories import INVENTORIES, inventory_probes
from dthostmon.facts.metrics import metrics_since
from dthostmon.facts.probe import InventoryProbe, Outputs, Probe
from dthostmon.facts.processor import Times
from dthostmon.facts.sources import FactFiles, Source, Told, content_of
from dthostmon.facts.together import together
from dthostmon.model import Counters, Facts, Inventory
from dthostmon.transport import CommandOutput, Files, Session, Shell

NO_SHELL = "the key gives no shell on this host"
TOGETHER = "together"
PACKING_LEVEL = 1  # a list of packages becomes a fifth of itself in a millisecond

_Answers = Mapping[str, Told]  # by probe and part: `metrics.disks`


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found out: the probes by name, the globs of watched files, and what the visit before left.

    `cpu_times` and `counters` are what it counted, `marks` name the states of inventories that are known: what is still
    as it was is not told again.
    """

    probes: Sequence[str]
    files: Sequence[str] = ()
    cpu_times: Times | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    counters: Counters | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a host told, with the inventories not read yet: things take many times the memory of the words that tell of
    them, and at a first visit of many hosts all are there at the same time.
    """

    _known: Facts
    _changed: Mapping[str, tuple[InventoryProbe, Mapping[str, bytes]]]  # what each part told is packed

    @property
    def tell_things(self) -> bool:
        """Whether there are inventories to read."""
        return bool(self._changed)

    def read(self) -> Facts:
        """Read the inventories that are not as at the visit before."""
        found = {name: _inventory(probe, packed) for name, (probe, packed) in self._changed.items()}
        return replace(self._known, inventories=found, unknown={**self._known.unknown, **_not_found(found)})


async def gather(session: Session, wanted: Wanted) -> Facts:
    """Ask, and read the answers."""
    return (await ask(session, wanted)).read()


async def ask(session: Session, wanted: Wanted) -> Answers:
    """Ask for facts; what could not be told is named in `unknown` with its reason.

    Raises VisitError where the exec itself failed, or the connection died.
    """
    metrics = metrics_since(wanted.cpu_times, wanted.counters)
    wants_metrics = metrics.name in wanted.probes
    inventories = inventory_probes(wanted.probes, wanted.files, wanted.marks)
    probes: list[Probe[object]] = [
        IDENTITY,
        *([metrics] if wants_metrics else []),
        *([CLIENT] if session.shell else []),
        *inventories,
    ]
    answers = await _ask(session, probes)
    optional = {f"{probe.name}.{part}" for probe in probes for part in probe.optional}
    marks = {probe.name: probe.marked(_of(probe, answers)) for probe in inventories}
    known = Facts(
        identity=IDENTITY.parse(_of(IDENTITY, answers)),
        metrics=metrics.parse(_of(metrics, answers)) if wants_metrics else None,
        client_address=CLIENT.parse(_of(CLIENT, answers)),
        unknown=_unknown_values({name: told for name, told in answers.items() if name not in optional}),
        marks=marks,
    )
    changed = (probe for probe in inventories if marks[probe.name] != wanted.marks.get(probe.name))
    return Answers(known, {probe.name: (probe, _packed(_of(probe, answers))) for probe in changed})


def _packed(outputs: Outputs) -> Mapping[str, bytes]:
    return {part: zlib.compress(output, PACKING_LEVEL) for part, output in outputs.items()}


def _unknown_values(answers: _Answers) -> Mapping[str, str]:
    parts = {name: reason for name, told in answers.items() if (reason := told.unknown)}
    return {name: reason for name, reason in parts.items() if name.partition(".")[0] not in INVENTORIES}


def _not_found(found: Mapping[str, Inventory]) -> Mapping[str, str]:
    """Say which kinds of things could not be told: not which part, since what one part lacks another may tell."""
    return {
        f"{probe}.{kind}": reason for probe, inventory in found.items() for kind, reason in inventory.unknown.items()
    }


def _inventory(probe: InventoryProbe, packed: Mapping[str, bytes]) -> Inventory:
    outputs = {part: zlib.decompress(output) for part, output in packed.items()}
    return replace(probe.parse(outputs), kinds=probe.kinds, scope=probe.scope)


async def _ask(session: Session, probes: Sequence[Probe[object]]) -> _Answers:
    reads = {f"{probe.name}.{part}": source for probe in probes for part, source in probe.reads.items()}
    if session.shell:
        return await _ask_shell(session.shell, probes) | await _ask_files(session.files, reads)
    sources = {f"{probe.name}.{part}": source for probe in probes for part, source in probe.files.items()}
    sources |= {
        f"{probe.name}.{part}": content_of(*paths) for probe in probes for part, paths in probe.contents.items()
    }
    no_files = {
        f"{probe.name}.{part}": Told(b"", NO_SHELL)
        for probe in probes
        for part in sorted({*probe.commands, *probe.words} - {*probe.files, *probe.contents})
    }
    return await _ask_files(session.files, sources | reads) | no_files


async def _ask_shell(shell: Shell, probes: Sequence[Probe[object]]) -> dict[str, Told]:
    commands = {f"{probe.name}.{part}": text for probe in probes for part, text in probe.commands.items()}
    shared = together(probes)
    outputs = dict(await run_bundled(shell, commands | {TOGETHER: shared.command}))
    common = outputs.pop(TOGETHER)
    told = shared.told(b"" if common.cut else common.stdout)
    why = _why_unknown(common) or "it cannot be read, or it is empty"
    parts = {part: Told(told[part]) if part in told else Told(b"", why) for part in (*shared.contents, *shared.words)}
    return parts | {
        name: Told(b"" if output.cut else output.stdout, _why_unknown(output)) for name, output in outputs.items()
    }


async def _ask_files(files: Files, sources: Mapping[str, Source]) -> dict[str, Told]:
    readable = FactFiles(files)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_tell(source, readable), name=name) for name, source in sources.items()}
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # all of them tell of the one connection
    return {name: task.result() for name, task in tasks.items()}


async def _tell(source: Source, files: FactFiles) -> Told:
    try:
        told = await source(files)
    except FileUnreadableError as error:
        return Told(b"", str(error))
    return told if told.output.strip() or told.unknown else Told(b"", "the file is empty")


def _of(probe: Probe[object], answers: _Answers) -> Mapping[str, bytes]:
    return {part: told.output for part in probe.parts if (told := answers.get(f"{probe.name}.{part}"))}


def _why_unknown(output: CommandOutput) -> str | None:
    if output.status is None:
        return "the command's output ended early"
    if output.status == 124:
        return "the command did not end within its time"
    if output.cut:
        return "the command printed more than is read"
    return None if output.stdout.strip() else f"the command printed nothing (exit status {output.status})"
