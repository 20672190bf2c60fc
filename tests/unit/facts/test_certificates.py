"""What is made of the certificates in files."""

import ssl
from datetime import UTC, datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts import records
from dthostmon.facts.certificates import parse_certificates
from dthostmon.model import Certificate, ThingKind

EXPIRY = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert("web1.example.org", common_name="web1", not_after=EXPIRY)
PEM = ISSUED.cert_chain_pems[0].bytes()
DER = ssl.PEM_cert_to_DER_cert(PEM.decode())


def told(*found: records.Record) -> dict[str, bytes]:
    return {"kept": records.written([{"missing": []}, *found])}


@pytest.mark.parametrize("record", [{"path": "/etc/a.crt", "pem": PEM}, {"path": "/etc/a.crt", "der": DER}])
def test_a_certificate_is_told_with_its_end(record: records.Record) -> None:
    known = parse_certificates(told(record))
    [found] = known.things
    assert isinstance(found, Certificate)
    assert (found.where, found.name, found.expires_at) == ("/etc/a.crt", "web1", EXPIRY)
    assert "trustme" in found.issuer
    assert found.state == "web1, until 2021-03-04"
    assert known.missing == {}


def test_one_without_a_common_name_is_called_by_its_host() -> None:
    pem = AUTHORITY.issue_cert("web2.example.org").cert_chain_pems[0].bytes()
    [found] = parse_certificates(told({"path": "/a", "pem": pem})).things
    assert isinstance(found, Certificate)
    assert found.name == "web2.example.org"


def test_what_could_not_be_looked_at_is_missing() -> None:
    refused: records.Record = {"missing": ["/etc/letsencrypt/live: permission denied"]}
    known = parse_certificates({"kept": records.written([refused])})
    assert known.missing == {ThingKind.CERTIFICATE: "/etc/letsencrypt/live: permission denied"}
    assert parse_certificates({}).missing.keys() == {ThingKind.CERTIFICATE}


@given(st.integers(0, 2000), st.binary(max_size=20), st.integers(0, 40), st.sampled_from(["der", "pem"]))
def test_what_is_nearly_a_certificate_never_fails(at: int, inserted: bytes, cut: int, part: str) -> None:
    source = DER if part == "der" else PEM
    at %= len(source)
    broken = source[:at] + inserted + source[at + cut :]
    for found in parse_certificates(told({"path": "/a", part: broken})).things:
        assert found.state.isprintable()


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail(output: bytes) -> None:
    parse_certificates({"kept": output})
    assert parse_certificates(told({"path": "/a", "der": output}, {"path": "/b", "pem": output})).things == ()
