"""Our own logins are no findings; a login of our user from elsewhere is one."""

import pytest

from dthostmon.analysis import Examination, OwnLogins, examine
from dthostmon.model import Severity, Thresholds
from dthostmon.rules import builtin_folder, load_packs

RULES = load_packs([builtin_folder()])
LOG = "/var/log/auth.log"
HOME = "192.0.2.5"


def line(message: str) -> bytes:
    return f"2026-07-28T06:50:11Z web1 sshd[511]: {message}\n".encode()


def accepted(address: str, user: str = "monitor") -> bytes:
    return line(f"Accepted publickey for {user} from {address} port 51000 ssh2: ED25519 SHA256:abc")


def looked_at(data: bytes, own: OwnLogins | None) -> Examination:
    return examine([(LOG, data)], RULES, Thresholds(), None, own)


@pytest.mark.parametrize("own", [OwnLogins("monitor", frozenset({HOME})), OwnLogins("monitor", candidate=HOME)])
def test_our_own_logins_are_no_findings_and_a_foreign_one_is(own: OwnLogins) -> None:
    told = looked_at(accepted(HOME) * 3 + accepted("203.0.113.9") + accepted("203.0.113.9", "alice"), own)
    [finding] = told.findings
    assert (finding.rule, finding.severity, finding.count) == ("sshd.foreign-login", Severity.WARN, 1)
    assert finding.fields == {"method": "publickey", "user": "monitor", "address": "203.0.113.9"}
    assert "203.0.113.9" in finding.evidence[0].line
    assert told.own_addresses == {HOME}


def test_our_own_login_by_password_is_no_finding_either() -> None:
    own = OwnLogins("monitor", frozenset({HOME}))
    by_password = [data.replace(b"publickey", b"password") for data in (accepted(HOME), accepted("203.0.113.9"))]
    [finding] = looked_at(b"".join(by_password), own).findings
    assert (finding.rule, finding.fields["address"]) == ("sshd.foreign-login", "203.0.113.9")


def test_an_address_that_a_router_hides_is_not_taken_for_a_foreigner() -> None:
    told = looked_at(accepted("198.51.100.1"), OwnLogins("monitor", candidate="10.0.0.5"))
    assert told.findings == ()
    assert told.own_addresses == frozenset()


@pytest.mark.parametrize("address", ["::ffff:192.0.2.5", "192.0.2.5"])
def test_one_address_in_two_forms_is_one_address(address: str) -> None:
    assert looked_at(accepted(address), OwnLogins("monitor", frozenset({HOME}))).findings == ()


def test_what_our_own_tests_of_the_connection_leave_behind_is_no_finding() -> None:
    probe = line(f"Did not receive identification string from {HOME} port 4711")
    other = line("Did not receive identification string from 203.0.113.9 port 4711")
    own = OwnLogins("monitor", frozenset({HOME}))
    assert looked_at(probe, own).findings == ()
    assert [finding.rule for finding in looked_at(probe + other, own).findings] == ["sshd.probe"]


def test_failed_logins_of_others_from_our_address_are_told() -> None:
    failed = line(f"Failed password for root from {HOME} port 4711 ssh2") * 6
    [finding] = looked_at(failed, OwnLogins("monitor", frozenset({HOME}))).findings
    assert (finding.rule, finding.count) == ("sshd.failed-password", 6)


def test_without_knowing_who_we_are_no_login_is_foreign() -> None:
    assert looked_at(accepted("203.0.113.9"), None).findings == ()
