"""What broke a host is among the first three changes that a finding about it names, whatever else changed that day."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from dthostmon import rules
from dthostmon.cycle import HostChecks, Parts
from dthostmon.model import RunStatus
from dthostmon.reports.documents import run_document
from dthostmon.store import Store
from tests import parts as system
from tests.fixtures.admins_host import AdminsHost
from tests.integration.break_scenarios import (
    FILES,
    LOGS,
    STORIES,
    SYSLOG,
    Story,
    syslog,
    unit,
)
from tests.integration.further_break_scenarios import MORE_STORIES

RULES = rules.load_packs([rules.builtin_folder()])
FIRST = 3  # among so many changes the cause is to be
LEAST_UNRELATED = 6
OF_OTHERS = ("change.file.rights", "change.port.opened", "change.user.shell-given")  # what tells of unrelated changes
Document = dict[str, Any]


def usual(host: AdminsHost) -> None:
    """Put there what any host has."""
    for path, text in {"/etc/motd": "Welcome\n", "/etc/issue": "Debian\n", "/etc/default/locale": "LANG=C\n"}.items():
        host.write(path, text)
    host.write("/root/.bash_history", "uptime\n")
    host.packages({"tzdata": "2024a-0+deb12u1", "libssl3": "3.0.14-1", "base-files": "12.4"})
    unit(host, "cups.service", "/bin/sleep 1000")


def change_others_first(host: AdminsHost, when: datetime) -> None:
    """Change what has nothing to do with it, some time before and some time after the cause."""
    host.packages({"tzdata": "2024b-0+deb12u1", "libssl3": "3.0.15-1"})
    host.write("/etc/cron.d/e2scrub_all", "30 3 * * 0 root /sbin/e2scrub_all\n", when - timedelta(minutes=30))
    host.write("/etc/motd", "Welcome back\n", when + timedelta(minutes=20))
    host("groupadd", "--gid", "1500", "backupers")
    host.write("/root/.bash_history", "uptime\napt-get update\nhtop\ntail -f /var/log/syslog\n", when)


def change_others_later(host: AdminsHost, when: datetime) -> None:
    """Change what has nothing to do with it, shortly before it shows and after."""
    host("ip", "address", "add", "192.0.2.7/24", "dev", "lo")
    host("usermod", "--shell", "/bin/sh", "deploy")
    host("systemctl", "disable", "--quiet", "--now", "cups.service")
    host.write("/etc/issue", "Debian 12\n", when - timedelta(minutes=4))
    host.write("/etc/default/locale", "LANG=C.UTF-8\n", when - timedelta(minutes=1))
    host.start(system.program("busybox"), "nc", "-l", "-p", "8123")


class Visits:
    """Visits of a host, each at a time of its own."""

    def __init__(self, host: AdminsHost, store: Store) -> None:
        self.host = host
        self.now = datetime.now(UTC)
        parts = Parts(
            store, host.visit, RULES, lambda: self.now, time.monotonic, partial(secrets.token_hex, 4), draw=lambda: 0.0
        )
        self.checks = HostChecks(parts, 1)

    async def at(self, moment: datetime) -> Document:
        """Check the host and return the run as `monitor --json` prints it."""
        self.now = moment
        run = await self.checks.check(self.host.described(LOGS, FILES))
        assert run.status is RunStatus.OK, run.error
        return run_document(run)


async def play(
    story: Story, host: AdminsHost, store: Store, hours: float = 4, seen_hours: float = 3
) -> tuple[list[Document], Document]:
    """Let a story happen, its cause some hours before it breaks; return all changes, and the run that sees it."""
    visits, end = Visits(host, store), datetime.now(UTC) + timedelta(seconds=5)  # files are written until then
    started = end - timedelta(hours=30)
    usual(host)
    story.before(host)
    for log in LOGS:
        host.log(log)
    host.log(SYSLOG, syslog(started, "CRON[77]", "(root) CMD (true)"))
    await visits.at(started + timedelta(minutes=1))
    changed = end - timedelta(hours=hours)
    story.cause(host, changed)
    change_others_first(host, changed)
    first = await visits.at(end - timedelta(hours=seen_hours))
    change_others_later(host, end)
    story.breaks(host, end - timedelta(minutes=3))
    run = await visits.at(end)
    return first["changes"] + run["changes"], run


def about(run: Document, story: Story) -> list[Document]:
    """Return the findings that tell of what broke; there is one of each sort that the story names."""
    findings = [finding for finding in run["findings"] if finding["rule"] not in OF_OTHERS]
    found = []
    for kind, words in story.findings:
        of_sort = [one for one in findings if one["kind"].startswith(kind) and words in one["title"]]
        assert of_sort, (kind, words)
        found += of_sort
    return found


def is_cause(change: Document, story: Story) -> bool:
    """Tell whether a change is what broke it."""
    return any(change["kind"] == kind and words in change["sentence"] for kind, words in story.causes)


@pytest.mark.parametrize("story", STORIES + MORE_STORIES, ids=lambda story: story.name)
async def test_the_true_cause_is_among_the_first_three(
    story: Story, admins_host: AdminsHost, sqlite_store: Store
) -> None:
    changes, run = await play(story, admins_host, sqlite_store)
    assert sum(not is_cause(change, story) for change in changes) >= LEAST_UNRELATED
    for finding in about(run, story):
        first = finding["changes_before"][:FIRST]
        assert any(is_cause(change, story) for change in first), (finding["title"], first)


@pytest.mark.parametrize(("hours", "is_told"), [(23, True), (25, False)])
async def test_a_cause_is_looked_for_in_the_day_before(
    admins_host: AdminsHost, sqlite_store: Store, hours: int, is_told: bool
) -> None:
    [story] = [story for story in STORIES if story.name == "nginx.conf is wrong"]
    _, run = await play(story, admins_host, sqlite_store, hours, hours - 0.25)
    told = [any(is_cause(change, story) for change in finding["changes_before"]) for finding in about(run, story)]
    assert set(told) == {is_told}
