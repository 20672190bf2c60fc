"""Faults 5, 10 and 11: hosts that talk where nobody asked, answer without end, or write what is no text."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon.errors import ErrorKind
from dthostmon.model import Host
from tests import parts
from tests.acceptance.faults.conftest import Log, Watch, bounded_memory, texts, through
from tests.fixtures.chaos import ChaosRelay
from tests.fixtures.fleet import USER, FleetHost
from tests.fixtures.sshd import make_host

MakeWatch = Callable[[Host], Watch]
Fleet = Callable[..., Sequence[FleetHost]]
Chaos = Callable[..., ChaosRelay]
Kept = tuple[Watch, Log]

NOISE = "yes 'Welcome, status 0 5 bytes, end' | head -c 1500000; printf 'no newline at the end'\n"
RC_FILES = (".bashrc", ".profile", ".zshenv", ".zshrc", ".config/fish/config.fish", ".ssh/rc")
SHELLS = ("dash", "bash", "busybox", "zsh", "fish")


def make_noisy(host: FleetHost, shell: str, noise: str = NOISE) -> None:
    """Give the user a login shell, and noise wherever a login can make some: 3 MB in most shells."""
    program = Path(parts.program(shell))
    if shell == "busybox":
        (host.home / "sh").symlink_to(program)  # it is the name that tells busybox what to be
        program = Path(f"/home/{USER}/sh")
    host.use_shell(str(program))
    for name in RC_FILES:
        file = host.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(noise)


@pytest.mark.parametrize("shell", SHELLS)
async def test_fault_05_shell_noise_banner_and_motd_cannot_enter_the_frames(
    fleet: Fleet, chaos: Chaos, watch: MakeWatch, tmp_path: Path, shell: str
) -> None:
    banner = tmp_path / "banner"
    banner.write_bytes(b"Unauthorised \xff\xfe\x1b[31m access\r\n" * 2000)
    [host] = fleet(1, options=[f"Banner {banner}", "PrintMotd yes"])
    make_noisy(host, shell)
    log, relay = Log(host.var_log / "app.log"), chaos(host)
    watched = watch(through(relay, host, logs=["/var/log/app.log"]))
    for _ in range(2):
        log.append()
        run = await watched.ok()
        assert run.facts.unknown.keys() <= {"identity.release", "identity.zone"}
        assert run.facts.identity is not None
        assert run.facts.identity.kernel == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert await watched.stored() == log.written
    assert relay.passed > 2 * 1_500_000


async def test_fault_05_noise_before_an_sftp_server_of_its_own_process_enters_no_log(
    fleet: Fleet, watch: MakeWatch
) -> None:
    """A shell starts this one: its noise breaks the protocol, as it breaks everybody's scp. What is read is right."""
    program = Path("/usr/lib/openssh/sftp-server")
    if not program.exists():
        parts.missing("openssh-sftp-server")
    [host] = fleet(1, sftp=str(program))
    log = Log(host.var_log / "app.log")
    watched = watch(make_host(host, logs=["/var/log/app.log"]))
    log.append()
    make_noisy(host, "bash")
    await watched.run()
    assert await watched.stored() in {b"", log.written}
    make_noisy(host, "bash", noise="")
    await watched.ok()
    assert await watched.stored() == log.written


async def test_fault_10_a_shell_that_answers_200_megabytes_is_cut_off(
    fleet: Fleet, chaos: Chaos, watch: MakeWatch
) -> None:
    [host] = fleet(1)
    make_noisy(host, "bash", noise="yes | head -c 200000000\n")
    log, relay = Log(host.var_log / "app.log"), chaos(host)
    watched = watch(through(relay, host, logs=["/var/log/app.log"]))
    log.append()
    with bounded_memory(96):
        run = await watched.failed(ErrorKind.PROTOCOL)
    assert "more than 16 MiB" in str(run.error)
    assert relay.passed < 24 * 2**20
    make_noisy(host, "bash")
    await watched.ok()
    assert await watched.stored() == log.written


async def test_fault_10_a_log_of_200_new_megabytes_is_taken_in_pieces_and_starves_no_other(
    fleet: Fleet, chaos: Chaos, watch: MakeWatch
) -> None:
    [host] = fleet(1)
    flooded, quiet, relay = host.var_log / "flood.log", Log(host.var_log / "quiet.log"), chaos(host)
    flooded.touch()
    watched = watch(through(relay, host, logs=["/var/log/*.log"]))
    await watched.ok()
    host.exec("yes 'a line of a flood' | head -c 200000000 >/var/log/flood.log")
    quiet.append()
    before = relay.passed
    with bounded_memory(160):
        run = await watched.ok()
    ledger = {Path(log.path).name: log for log in run.logs}
    assert ledger["quiet.log"].bytes_analysed == len(quiet.written)
    assert 4 * 2**20 - 100 < ledger["flood.log"].bytes_analysed <= 4 * 2**20
    assert ledger["flood.log"].bytes_pending == 200_000_000 - ledger["flood.log"].bytes_appeared
    assert relay.passed - before < 5 * 2**20


async def test_fault_10_a_line_of_a_gigabyte_is_taken_in_pieces(kept: Kept) -> None:
    watch, log = kept
    watch.host = replace(watch.host, max_lag=2**30)
    await watch.ok()
    with log.path.open("r+b") as file:
        file.truncate(10**9)  # sparse: it costs the disk nothing
    for visit in range(1, 3):
        with bounded_memory(160):
            run = await watch.ok()
        assert run.logs[0].bytes_analysed == 4 * 2**20
        assert run.logs[0].bytes_pending == 10**9 - visit * 4 * 2**20
    assert await watch.stored() == bytes(8 * 2**20)


async def test_fault_10_a_long_line_is_read_whole_and_told_short(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    failed = b"Nov 23 06:00:00 web1 sshd[4242]: Failed password for %s from 203.0.113.7 port 4242 ssh2\n"
    log.add(failed % b"root" * 20 + failed % (b"x" * 5_000_000) + b"A" * 2_000_000 + b"\n")
    log.append()
    for _ in range(6):
        for text in texts(await watch.ok()):
            assert len(text) < 5000
    assert await watch.stored() == log.written


async def test_fault_11_bytes_that_are_no_text_are_kept_as_they_are_and_shown_clean(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    names = (
        b"ro\0ot",
        b"\xff\xfe\x80",
        b"\x1b[2J\x1b]0;title\x07",
        b"a\rb\x0b\x0cc",
        "\u202e\u2028x".encode(),
        b"\xed\xa0\x80",
    )
    for name in names:
        log.add(b"Nov 23 06:00:00 web1 sshd[4242]: Failed password for %s from 203.0.113.7 port 7 ssh2\n" % name * 6)
    log.add(bytes(range(256)) * 20 + b"\n")
    run = await watch.ok()
    assert any(finding.rule == "sshd.failed-password" for finding in run.findings)
    for text in texts(run):
        assert text.isprintable(), ascii(text)
    assert await watch.stored() == log.written
    stored = await watch.store.latest_run(run.host)
    assert stored is not None
    assert list(texts(stored)) == list(texts(run))
