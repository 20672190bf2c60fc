"""What asking a model changes of a check, and what it never changes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from dthostmon.cycle import HostChecks
from dthostmon.judge import Enquiry, Prices, evidence_document, evidence_value, judged
from dthostmon.judge.recurrence import MAX_TIMES
from dthostmon.model import FindingSource, Run, Severity, Usage
from dthostmon.store import Store
from tests.fixtures.scripted_provider import ScriptedProvider, failure, said, unusable
from tests.integration.judge_checks import answer, claim, make_checks, make_host

AFTERWARDS = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
QUIET = "Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n"
FAILED = "Nov 23 06:00:00 here sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2\n"
CRITICAL = "Nov 23 06:00:00 here kernel: [1.0] Kernel panic - not syncing: Fatal exception\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


async def rules_alone(store: Store, log: Path) -> Run:
    return await make_checks(store, []).check(make_host("alone", log))


async def test_nothing_to_ask_about_is_judged_by_the_rules(sqlite_store: Store, log: Path) -> None:
    log.write_text(QUIET)
    provider = ScriptedProvider("first", then=said(answer(50)))
    run = await make_checks(sqlite_store, [provider]).check(make_host("web1", log))
    assert (run.judged_by, run.score, run.usage) == ("rules", 100, None)
    assert not provider.requests


async def test_an_opinion_is_stored_with_who_gave_it_and_what_it_took(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    provider = ScriptedProvider("first", then=said(answer(70, "WARN", [claim("E01")])))
    checks = make_checks(sqlite_store, [provider], prices={"first": Prices(2.0, 10.0)})
    run = await checks.check(make_host("web1", log))
    assert run.judged_by == "rules+first/m-1"
    (found,) = [finding for finding in run.findings if finding.source is FindingSource.AI]
    assert (found.title, found.severity) == ("Odd words.", Severity.WARN)
    assert found.evidence[0].line == FAILED.strip()
    assert run.usage is not None
    assert run.cost == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert run.summary == "1 warning, first of all: Odd words. The model sees it."
    assert run.recommendations[-1] == "Look at it."
    stored = await sqlite_store.latest_run("web1")
    assert stored is not None
    assert (stored.judged_by, stored.usage, stored.score) == (run.judged_by, run.usage, run.score)
    assert 100 + sum(reason.points for reason in run.reasons) == run.score


async def test_a_lie_over_a_critical_finding_lifts_nothing(sqlite_store: Store, log: Path) -> None:
    log.write_text(CRITICAL)
    alone = await rules_alone(sqlite_store, log)
    run = await make_checks(sqlite_store, [ScriptedProvider(then=said(answer(100)))]).check(make_host("web1", log))
    assert (alone.severity, run.severity) == (Severity.CRITICAL, Severity.CRITICAL)
    assert (run.score, run.judged_by) == (alone.score, "rules+first/m-1")


@pytest.mark.parametrize(
    ("providers", "daily_tokens", "reason"),
    [
        ([], 10**7, "no-provider"),
        ([ScriptedProvider(then=failure("auth"))], 10**7, "auth"),
        ([ScriptedProvider(then=said(answer(90)))], 0, "budget"),
        ([ScriptedProvider(then=said("no JSON"))], 10**7, "invalid-output"),
    ],
    ids=["no provider", "wrong key", "budget of 0", "nonsense"],
)
async def test_without_an_opinion_all_stays_as_the_rules_said(
    sqlite_store: Store, log: Path, providers: list[ScriptedProvider], daily_tokens: int, reason: str
) -> None:
    log.write_text(FAILED)
    alone = await rules_alone(sqlite_store, log)
    run = await make_checks(sqlite_store, providers, daily_tokens).check(make_host("web1", log))
    assert run.judged_by == f"rules-only:{reason}"
    assert (run.score, run.severity, run.reasons) == (alone.score, alone.severity, alone.reasons)
    assert [finding.title for finding in run.findings] == [finding.title for finding in alone.findings]


async def test_the_same_trouble_of_two_hosts_is_asked_once(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    provider = ScriptedProvider("first", then=said(answer(70, "WARN", [claim("E01")])))
    checks = make_checks(sqlite_store, [provider])
    first, second = [await checks.check(make_host(name, log)) for name in ("web1", "web2")]
    assert len(provider.requests) == 1
    assert (first.judged_by, first.score) == (second.judged_by, second.score)
    assert second.usage is None


async def test_the_tokens_of_today_outlive_the_process(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    provider = ScriptedProvider("first", then=said(answer(70)))
    await make_checks(sqlite_store, [provider]).check(make_host("web1", log))
    log.write_text(FAILED.replace("root", "admin"))
    run = await make_checks(sqlite_store, [provider], daily_tokens=100).check(make_host("web2", log))
    assert run.judged_by == "rules-only:budget"


async def test_what_no_model_judged_is_kept_until_one_does(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    run = await make_checks(sqlite_store, [ScriptedProvider(then=failure("auth"))]).check(make_host("web1", log))
    (waiting,) = await sqlite_store.unjudged(run.started_at)
    assert waiting.run_id == run.id
    enquiry = Enquiry(evidence_value(waiting.evidence), is_critical=False)
    assert evidence_document(enquiry.evidence) == waiting.evidence

    provider = ScriptedProvider("second", then=said(answer(60, "WARN", [claim("E01")])))
    assessor = make_checks(sqlite_store, [provider]).parts.assessor
    assert assessor is not None
    later = judged(run, await assessor.assess(enquiry, run.started_at), {})
    assert await sqlite_store.settle(later, AFTERWARDS)
    assert not await sqlite_store.settle(later, AFTERWARDS)
    assert await sqlite_store.unjudged(run.started_at) == ()
    stored = await sqlite_store.latest_run("web1")
    assert stored is not None
    assert (stored.judged_by, stored.judged_at) == ("rules+second/m-1", AFTERWARDS)
    assert (stored.score, stored.summary) == (later.score, later.summary)
    assert sorted(finding.source for finding in stored.findings) == ["ai", "rule"]


@pytest.mark.parametrize(
    ("first", "second", "cost"),
    [
        ({"first": Prices(2.0, 10.0)}, {"second": Prices(1.0, 1.0)}, (60 * 2 + 900 * 10 + 100 + 20) / 1e6),
        ({}, {"second": Prices(1.0, 1.0)}, None),
        ({"first": Prices(2.0, 10.0)}, {}, None),
    ],
    ids=["both known", "the first unknown", "the second unknown"],
)
async def test_a_run_that_is_judged_later_keeps_what_the_vain_tries_took(
    sqlite_store: Store, log: Path, first: dict[str, Prices], second: dict[str, Prices], cost: float | None
) -> None:
    log.write_text(FAILED)
    cut = ScriptedProvider("first", then=unusable("too-long", Usage(60, 900)))
    run = await make_checks(sqlite_store, [cut], prices=first).check(make_host("web1", log))
    assert run.usage == Usage(60, 900)
    (waiting,) = await sqlite_store.unjudged(run.started_at)
    assessor = make_checks(sqlite_store, [ScriptedProvider("second", then=said(answer(60)))]).parts.assessor
    assert assessor is not None
    assessment = await assessor.assess(Enquiry(evidence_value(waiting.evidence), is_critical=False), run.started_at)
    later = judged(run, assessment, second)
    assert later.usage == Usage(160, 920)
    assert later.cost == (None if cost is None else pytest.approx(cost))


async def test_nothing_is_kept_where_nobody_is_there_to_be_asked(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    run = await make_checks(sqlite_store, []).check(make_host("web1", log))
    assert await sqlite_store.unjudged(run.started_at) == ()


async def test_an_id_that_was_not_sent_moves_nothing(sqlite_store: Store, log: Path) -> None:
    log.write_text(FAILED)
    alone = await rules_alone(sqlite_store, log)
    lies = ScriptedProvider("first", then=said(answer(0, "CRITICAL", [claim("E99", severity="CRITICAL")])))
    run = await make_checks(sqlite_store, [lies]).check(make_host("web1", log))
    assert (run.score, run.severity) == (alone.score, alone.severity)
    assert all(finding.source is not FindingSource.AI for finding in run.findings)


async def test_a_model_is_told_of_the_host_and_of_what_is_usual_there(sqlite_store: Store, log: Path) -> None:
    provider = ScriptedProvider("first", then=said(answer(90)))
    checks = make_checks(sqlite_store, [provider])
    host = replace(make_host("web1", log), site="chicago", tags=("web", "db"))
    begin = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    for hour in range(11):
        with log.open("a") as file:
            file.writelines(FAILED.replace("06:00:00", f"06:00:{second:02d}") for second in range(20))
        await HostChecks(replace(checks.parts, clock=partial(_hours_after, begin, hour)), 1).check(host)
    (shown,) = provider.requests[-1][1].messages
    head, _, *records, _, _ = shown.content.splitlines()
    assert head == 'Host: {"site":"chicago","role":"db,web","visits_before":10}'
    finding, earlier = map(json.loads, records)
    assert (finding["id"], finding["rule"], finding["count"]) == ("E01", "sshd.failed-password", 20)
    assert finding["usual_per_hour_at_least"] == 10
    assert (earlier["type"], earlier["rule"]) == ("earlier", "sshd.failed-password")
    assert len(finding["lines"]) == 2


async def test_a_model_is_told_what_changed_with_secrets_taken_out(
    sqlite_store: Store, log: Path, tmp_path: Path
) -> None:
    provider = ScriptedProvider("first", then=said(answer(90)))
    checks, settings = make_checks(sqlite_store, [provider]), tmp_path / "sshd.conf"
    host = replace(make_host("web1", log), probes=("files",), files=(str(settings),))
    settings.write_text("port: 22\n")
    await checks.check(host)
    settings.write_text("port: 2222 password=hunter22secret\n")
    with log.open("a") as file:
        file.write(FAILED)
    run = await checks.check(host)
    assert [change.subject for change in run.changes] == [str(settings)]
    (finding,) = [one for one in run.findings if one.rule == "sshd.failed-password"]
    assert [change.subject for change in finding.changes] == [str(settings)]
    (shown,) = provider.requests[-1][1].messages
    records = [json.loads(line) for line in shown.content.splitlines() if line.startswith("{")]
    (told,) = [record["change"] for record in records if record["type"] == "change"]
    assert told.startswith(f"{settings}: port: 22")
    assert "hunter22" not in shown.content


def _hours_after(begin: datetime, hours: int) -> datetime:
    return begin + timedelta(hours=hours)


async def test_what_comes_at_every_visit_is_asked_about_a_few_times_a_day(sqlite_store: Store, log: Path) -> None:
    provider = ScriptedProvider("first", then=said(answer(90)))
    checks = make_checks(sqlite_store, [provider])
    host, parts, moment = make_host("web1", log), checks.parts, AFTERWARDS
    users = iter(range(100))

    async def visited(line: str = FAILED) -> str:
        nonlocal moment
        moment += timedelta(minutes=5)
        checks.parts = replace(parts, clock=lambda: moment)
        with log.open("a") as grown:
            grown.write(line.replace("root", f"user{next(users)}"))
        return str((await checks.check(host)).judged_by)

    assert {await visited() for _ in range(MAX_TIMES + 2)} == {"rules+first/m-1"}  # its first day
    moment += timedelta(days=2)
    assert [await visited() for _ in range(MAX_TIMES + 2)] == ["rules+first/m-1"] * MAX_TIMES + ["rules"] * 2
    assert await visited(CRITICAL) == "rules+first/m-1"
    moment += timedelta(days=1)
    assert await visited() == "rules+first/m-1"
