"""Runs the probes of a visit: in one exec, or where there is no shell from files."""

import asyncio
from collections.abc import Mapping, Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.client import CLIENT
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.metrics import Times, metrics_since
from dthostmon.facts.probe import Probe
from dthostmon.facts.sources import FactFiles, Source, Told
from dthostmon.model import Facts
from dthostmon.transport import CommandOutput, Files, Session, Shell

NO_SHELL = "the key gives no shell on this host"

_Answers = Mapping[str, Told]  # by probe and part: `metrics.disks`


async def gather(session: Session, probes: Sequence[str], cpu_times: Times | None = None) -> Facts:
    """Gather the configured facts; what could not be told is named in `unknown` with its reason.

    `cpu_times` are the counters that the last visit saw.

    Raises VisitError where the exec itself failed, or the connection died.
    """
    metrics = metrics_since(cpu_times)
    wants_metrics = metrics.name in probes
    chosen: list[Probe[object]] = [
        IDENTITY,
        *([metrics] if wants_metrics else []),
        *([CLIENT] if session.shell else []),
    ]
    answers = await (_ask_shell(session.shell, chosen) if session.shell else _ask_files(session.files, chosen))
    return Facts(
        identity=IDENTITY.parse(_of(IDENTITY, answers)),
        metrics=metrics.parse(_of(metrics, answers)) if wants_metrics else None,
        client_address=CLIENT.parse(_of(CLIENT, answers)),
        unknown={name: reason for name, told in answers.items() if (reason := told.unknown)},
    )


async def _ask_shell(shell: Shell, probes: Sequence[Probe[object]]) -> _Answers:
    commands = {f"{probe.name}.{part}": text for probe in probes for part, text in probe.commands.items()}
    outputs = await shell.run(commands)
    return {name: Told(b"" if output.cut else output.stdout, _why_unknown(output)) for name, output in outputs.items()}


async def _ask_files(files: Files, probes: Sequence[Probe[object]]) -> _Answers:
    readable = FactFiles(files)
    sources = {f"{probe.name}.{part}": source for probe in probes for part, source in probe.files.items()}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_tell(source, readable), name=name) for name, source in sources.items()}
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # all of them tell of the one connection
    no_files = {probe.name: Told(b"", NO_SHELL) for probe in probes if not probe.files}
    return {name: task.result() for name, task in tasks.items()} | no_files


async def _tell(source: Source, files: FactFiles) -> Told:
    try:
        told = await source(files)
    except FileUnreadableError as error:
        return Told(b"", str(error))
    return told if told.output.strip() or told.unknown else Told(b"", "the file is empty")


def _of(probe: Probe[object], answers: _Answers) -> Mapping[str, bytes]:
    parts = probe.commands.keys() | probe.files.keys()
    return {part: told.output for part in parts if (told := answers.get(f"{probe.name}.{part}"))}


def _why_unknown(output: CommandOutput) -> str | None:
    if output.status is None:
        return "the command's output ended early"
    if output.status == 124:
        return "the command did not end within its time"
    if output.cut:
        return "the command printed more than is read"
    return None if output.stdout.strip() else f"the command printed nothing (exit status {output.status})"
