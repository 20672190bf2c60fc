"""Which names a judge is given, and what is not loaded for those who want none."""

import subprocess
import sys
from dataclasses import replace

import pytest

from dthostmon.app.judging import prompt_form
from dthostmon.config.sections import Ai
from dthostmon.model import SshAccess, TransportKind
from tests.fixtures.evidence import a_host


def test_hosts_are_known_by_their_names_their_addresses_and_the_hosts_on_the_way() -> None:
    jump = SshAccess("bastion.corp.acme", 22, "monitor", "", "", "", 10.0, ())
    access = replace(jump, hostname="store-7", jump=(jump,))
    host = replace(a_host(), name="db-2", transport=TransportKind.SSH, ssh=access)
    form = prompt_form(Ai(pseudonyms=True), [host])
    assert form.names is not None
    told = form.names("web1").pseudonymise("db-2 store-7 bastion.corp.acme web1 web2")
    assert told == "host-1 host-2 host-3 host-4 web2"


def test_each_request_has_numbers_of_its_own() -> None:
    form = prompt_form(Ai(pseudonyms=True))
    assert form.names is not None
    assert form.names("web1").pseudonymise("192.0.2.1") == "address-1.1"
    assert form.names("web1").pseudonymise("198.51.100.1") == "address-1.1"


def test_names_are_sent_as_they_are_unless_pseudonyms_are_wanted() -> None:
    assert prompt_form(Ai(), [a_host()]).names is None


@pytest.mark.parametrize("is_wanted", [True, False])
def test_pseudonyms_are_loaded_for_those_who_want_them(is_wanted: bool) -> None:
    code = f"""
import sys
from dthostmon.app.judging import prompt_form
from dthostmon.config.sections import Ai
form = prompt_form(Ai(pseudonyms={is_wanted}))
form.redact("a line")
form.names and form.names("web1")
print("dthostmon.redact.pseudonyms" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == str(is_wanted)
