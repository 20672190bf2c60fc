"""Runs the probes of a visit in one exec."""

from collections.abc import Mapping, Sequence

from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.metrics import Times, metrics_since
from dthostmon.facts.probe import Probe
from dthostmon.model import Facts
from dthostmon.transport import CommandOutput, Session

NO_SHELL = "the key gives no shell on this host"


async def gather(session: Session, probes: Sequence[str], cpu_times: Times | None = None) -> Facts:
    """Gather the configured facts; what could not be told is named in `unknown` with its reason.

    `cpu_times` are the counters that the last visit saw.

    Raises VisitError where the exec itself failed.
    """
    metrics = metrics_since(cpu_times)
    wants_metrics = metrics.name in probes
    chosen: list[Probe[object]] = [IDENTITY, *([metrics] if wants_metrics else [])]
    if session.shell is None:
        return Facts(unknown={probe.name: NO_SHELL for probe in chosen})
    commands = {f"{probe.name}.{part}": text for probe in chosen for part, text in probe.commands.items()}
    outputs = await session.shell.run(commands)
    return Facts(
        identity=IDENTITY.parse(_of(IDENTITY, outputs)),
        metrics=metrics.parse(_of(metrics, outputs)) if wants_metrics else None,
        unknown={name: reason for name, output in outputs.items() if (reason := _why_unknown(output))},
    )


def _of(probe: Probe[object], outputs: Mapping[str, CommandOutput]) -> Mapping[str, bytes]:
    return {part: output.stdout for part in probe.commands if not (output := outputs[f"{probe.name}.{part}"]).cut}


def _why_unknown(output: CommandOutput) -> str | None:
    if output.status is None:
        return "the command's output ended early"
    if output.status == 124:
        return "the command did not end within its time"
    if output.cut:
        return "the command printed more than is read"
    return None if output.stdout.strip() else f"the command printed nothing (exit status {output.status})"
