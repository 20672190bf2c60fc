"""The systemd unit, judged by systemd itself."""

import re
import subprocess
from pathlib import Path

from tests.parts import program

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "deploy/dthostmon.service"


def settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    """`verify` wants the program to be there; this machine has it nowhere."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(
        text.replace("ExecStart=/opt/dthostmon/bin/dthostmon", f"ExecStart={program('true')}"), encoding="utf-8"
    )
    command = [program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", unit]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_systemd_rates_the_exposure_below_1_5() -> None:
    command = [program("systemd-analyze"), "security", "--offline=yes", "--threshold=15", "--no-pager", UNIT]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout.splitlines()[-1]


def test_the_metrics_of_this_machine_stay_readable() -> None:
    assert settings("ProcSubset") == []


def test_systemd_waits_longer_for_a_stop_than_the_daemon_needs() -> None:
    assert [int(seconds) > 20 for seconds in settings("TimeoutStopSec")] == [True]


def test_a_wrong_configuration_is_not_tried_again() -> None:
    assert settings("RestartPreventExitStatus") == ["2"]
