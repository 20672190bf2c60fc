"""The starter, the example file and the schema are true to the models."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from dthostmon.config import Settings, example_text, schema, starter_text
from dthostmon.config.fields import parse_duration, parse_size, render_duration, render_size
from dthostmon.config.sections import Section
from dthostmon.config.structure import key_of
from dthostmon.model import TransportKind

ROOT = Path(__file__).parents[3]
GLOBAL = set(Settings.model_fields) - {"sites", "hosts"}


def plain(text):
    return YAML(typ="safe", pure=True).load(text)


def sections(root=Section):
    return [section for child in root.__subclasses__() for section in (child, *sections(child))]


def test_the_committed_example_is_the_generated_one():
    assert (ROOT / "config.example.yaml").read_text() == example_text(), "write example_text() to it"


def test_the_example_is_a_working_configuration_of_defaults(read):
    configuration = read(example_text(), {"HOME": "/home/ada"})
    assert configuration.warnings == ()
    assert [host.name for host in configuration.hosts] == ["web1"]
    rendered, defaults = (settings.model_dump(include=GLOBAL) for settings in (configuration.settings, Settings()))
    assert rendered == defaults


def test_the_example_is_also_yaml_with_everything_switched_on():
    """What is commented out is right YAML too: only the lines that are prose stay comments."""
    lines = example_text().splitlines()
    switched_on = [re.sub(r"^( *)# (?=[ #]*(- )?[a-z_]+:( |$))", r"\1", line) for line in lines]
    whole = plain("\n".join(line for line in switched_on if not line.lstrip().startswith("#")))
    assert set(whole) == set(Settings.model_fields)
    assert whole["ai"]["providers"][0]["type"] == "ollama"


def test_every_key_is_in_the_example_and_described():
    text = example_text()
    for section in [*sections(), Settings]:
        for name, field in section.model_fields.items():
            assert field.description, (section, name)
            assert re.search(rf"^[ #-]*{key_of(name, field)}:", text, re.MULTILINE), (section, name)


@pytest.mark.parametrize(
    "hostname", ["web1", "my host", "12", "null", "-", "münchen", "a" * 300, "off", "1e3", "a: b", "y"]
)
def test_the_starter_watches_this_machine_whatever_its_name(read, hostname):
    configuration = read(starter_text(hostname, ["/var/log/syslog"]))
    (host,) = configuration.hosts
    assert (host.transport, configuration.warnings) == (TransportKind.LOCAL, ())
    assert configuration.settings.api.listen == ("127.0.0.1", 8080)


def test_the_schema_is_one_and_accepts_the_files_that_are_made():
    made = schema()
    Draft202012Validator.check_schema(made)
    json.dumps(made, allow_nan=False)
    validator = Draft202012Validator(made)
    for text in (
        example_text(),
        starter_text("web1", ["/var/log/syslog"]),
        "sites: {a: }\nssh: {port: '${PORT}', retries: ['${R}']}",
    ):
        validator.validate(plain(text))


@pytest.mark.parametrize(
    "text",
    ["monitorng: {}", "monitoring: {interval: 30}", "ssh: {port: x}", "hosts: [{name: a, interval: null}]", "logs: /a"],
)
def test_the_schema_refuses_what_the_models_refuse(text):
    assert not Draft202012Validator(schema()).is_valid(plain(text))


@given(st.integers(0, 10**8))
def test_durations_and_sizes_read_back_as_they_are_shown(number):
    assert parse_duration(render_duration(number)) == number
    assert parse_size(render_size(number)) == number
    assert parse_duration(render_duration(number / 1000)) == pytest.approx(number / 1000, rel=1e-5)
