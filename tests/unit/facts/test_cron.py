"""What cron runs."""

from hypothesis import given

from dthostmon.facts.cron import LONGEST_COMMAND, parse_cron
from dthostmon.model import CronEntry, Inventory, ThingKind
from tests.unit.facts.recorded import assert_fit_to_show, by_subject, nearly, recorded

SAMPLE = recorded("cron/crontabs-sample.txt")


def cron(raw: bytes) -> Inventory:
    return parse_cron({"tables": raw})


def test_each_kind_of_table_is_read_in_its_own_way() -> None:
    found = {thing for thing in cron(SAMPLE).things if isinstance(thing, CronEntry)}
    assert found == {
        CronEntry("/etc/crontab", "root", "17 * * * *", "cd / && run-parts --report /etc/cron.hourly"),
        CronEntry(
            "/etc/cron.d/backup", "backup", "0 2,14 * * Mon-Fri", "/opt/backup --password=[redacted: password] /srv"
        ),
        CronEntry("/etc/cron.d/backup", "root", "@reboot", "/opt/backup --prepare"),
        CronEntry("/etc/cron.d/backup", "root", "*/15 0-6/2 1 jan,jul ?", "/opt/quiet"),
        CronEntry("/etc/anacrontab", "root", "every 1 days", "run-parts --report /etc/cron.daily"),
        CronEntry("/etc/anacrontab", "root", "@monthly", "nice run-parts /etc/cron.monthly"),
        CronEntry("/var/spool/cron/tabs/eve", "eve", "30 4 1 * *", '/home/eve/report | mail -s "30%%" eve'),
        CronEntry("/var/spool/cron/eve", "eve", "@daily", "/home/eve/daily"),
        CronEntry("/etc/crontabs/root", "root", "*/15 * * * *", "run-parts /etc/periodic/15min"),
        CronEntry("/etc/cron.daily", "root", "daily", "logrotate"),
        CronEntry("/etc/periodic/15min", "root", "15min", "sync"),
    }


def test_tables_that_may_not_be_read_are_missing() -> None:
    assert cron(SAMPLE).missing == {ThingKind.CRON: "only root may read /var/spool/cron/crontabs"}
    more = cron(b"=hidden /etc/cron.d/a\n=hidden /etc/cron.d/b\n=hidden /etc/cron.d/c\n=end")
    assert more.missing[ThingKind.CRON] == "only root may read /etc/cron.d/a and 2 more"


def test_half_an_output_is_missing_and_none_at_all_too() -> None:
    for raw in (b"", b"/etc/crontab:* * * * * root x", SAMPLE.removesuffix(b"=end\n")):
        assert "to their end" in cron(raw).missing[ThingKind.CRON]
    assert cron(b"=end") == Inventory((), {}, frozenset({ThingKind.CRON}))


def test_a_command_that_runs_at_two_times_is_one_entry() -> None:
    [entry] = cron(b"/etc/crontab:0 1 * * * root x\n/etc/crontab:0 5 * * * root x\n=end").things
    assert entry == CronEntry("/etc/crontab", "root", "0 1 * * *; 0 5 * * *", "x")


def test_a_colon_in_a_command_is_a_part_of_it() -> None:
    [entry] = cron(b"/etc/cron.d/a:0 1 * * * root a:b --at=/etc/cron.d/c:d\n=end").things
    assert entry == CronEntry("/etc/cron.d/a", "root", "0 1 * * *", "a:b --at=/etc/cron.d/c:d")


def test_hostile_commands_are_shown_safely_and_in_part() -> None:
    found = cron(b"/etc/crontab:* * * * * root \x1b[31m" + b"x" * 100_000 + b"\xff\n=end")
    [entry] = found.things
    assert isinstance(entry, CronEntry)
    assert entry.command.startswith("?[31mxxx")
    assert len(entry.command) == LONGEST_COMMAND
    assert_fit_to_show(found)


def test_very_many_entries_are_cut_and_that_is_said() -> None:
    found = cron(b"".join(b"/etc/cron.d/a:* * * * * root x%d\n" % index for index in range(6000)) + b"=end")
    assert len(found.things) == 5000
    assert found.missing == {ThingKind.CRON: "there are more than 5000"}


@given(nearly(SAMPLE))
def test_any_output_is_read_without_a_failure(raw: bytes) -> None:
    found = cron(raw)
    assert_fit_to_show(found)
    assert len(by_subject(found)) <= raw.count(b"\n") + 1
