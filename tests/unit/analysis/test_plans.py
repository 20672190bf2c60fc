"""Lines read together, by a plan, say exactly what each of them says by itself."""

import random
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dthostmon import templates
from dthostmon.analysis.batch import BatchesInMaking
from dthostmon.analysis.keys import Key, KeyTable
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.plans import Plan, plan
from dthostmon.analysis.stamps import Moments, Stamps
from dthostmon.rules import Rule, RuleSet, builtin_folder, load_packs

BUILTIN = load_packs([builtin_folder()])
NOW = datetime(2026, 7, 28, 12, tzinfo=UTC)
HEADERS = (
    "Jul 28 09:30:00 web1 {}[12]: ",
    "<11>Jul  8 09:30:00 web1 {}[12]: ",
    "2026-07-28T09:30:00.123456+00:00 web1 {}[12]: ",
    "2026-07-28 09:30:00.120 ",
    "",
)
# what moves the borders of words, numbers and fields
PIECES = (" ", "  ", "0", " 7 ", ": ", " from ", " for ", "user ", "'", '"', "[", "]", "1.2.3.4", " port 22", ",", "=")
NUMBERS = st.text("0123456789", min_size=1, max_size=5) | st.text("0123456789", min_size=1, max_size=150)
SAMPLES = [(rule, sample) for rule in BUILTIN.rules for sample in rule.matching_samples]

Said = tuple[str, dict[str, str], datetime | None]


def headed(header: str, rule: Rule, sample: str) -> str:
    return header.format(rule.programs[0] if rule.programs else "app") + sample.replace("\n", " ")


@st.composite
def alike(draw: st.DrawFn) -> list[str]:
    """Draw lines that differ in their numbers alone."""
    rule, sample = draw(st.sampled_from(SAMPLES))
    line = headed(draw(st.sampled_from(HEADERS)), rule, sample)
    for piece in draw(st.lists(st.sampled_from(PIECES), max_size=4)):
        place = draw(st.integers(0, len(line)))
        line = line[:place] + piece + line[place:]
    return [line, *(re.sub("[0-9]+", lambda _: draw(NUMBERS), line) for _ in range(2))]


def found(table: KeyTable, line: str) -> Key:
    (key,) = table.look_up(templates.split_keys(line.encode()), [line.encode()])
    return key


def said_together(planned: Plan, lines: list[bytes], stamps: Stamps) -> list[Said | None]:
    if planned.rule is None:
        return [None] * len(lines)
    headers, columns = planned.read(lines)
    batches = BatchesInMaking()
    moments = list(map(stamps.__getitem__, headers))
    batches.of(planned.rule, planned.names).extend(columns, lines, moments, [1] * len(lines))
    (batch,) = batches.made("log")
    sightings = map(batch.sighting, range(len(lines)))
    return [(one.match.rule.id, dict(one.match.fields), one.line.time) for one in sightings]


def said_alone(key: Key, line: bytes, moment: Moment) -> Said | None:
    text = templates.clean(line)
    match = key.kind.reading.match(text)
    return (match.rule.id, dict(match.fields), moment.of(text)) if match else None


def assert_read_alike(table: KeyTable, texts: list[str]) -> bool:
    """Compare what lines say together and alone; tell whether any was read by a plan."""
    moment = Moment(NOW)
    key = found(table, texts[0])
    planned = plan(key.kind.reading.candidates, key.shape)
    lines = [text.encode() for text in texts if found(table, text) is key]
    if planned is None:
        return False
    sure = [line for line in dict.fromkeys(lines) if line not in planned.doubtful(lines)]
    if sure:
        assert said_together(planned, sure, Stamps(moment)) == [said_alone(key, line, moment) for line in sure]
    return bool(sure)


KUBELET = 'E0728 09:30:00.123456    1234 kubelet_node_status.go:527] "Unable to update node status" err="update node'
MOSQUITTO = "Jul 28 09:30:00user  web1 mosquitto[12]: Error saving in-memory database, unable to open /var/lib/x"


@example([f'{KUBELET} status exceeds retry count"'])
@example([f"{MOSQUITTO} for writing."])
@given(alike())
def test_planned_lines_say_what_each_says_alone(texts: list[str]) -> None:
    assert_read_alike(KeyTable(BUILTIN), texts)


def test_the_samples_of_all_rules_are_read_alike_whatever_their_numbers() -> None:
    chance, table = random.Random(7), KeyTable(BUILTIN)  # noqa: S311  # nothing here is secret

    def number(_: re.Match[str]) -> str:
        return str(chance.randrange(10 ** chance.choice((1, 2, 3, 5, 8, 15, 40))))

    planned = 0
    for rule, sample in SAMPLES:
        line = headed(HEADERS[0], rule, sample)
        planned += assert_read_alike(table, [line, re.sub("[0-9]+", number, line)])
    assert planned > len(SAMPLES) / 2


def made_rule(expression: str, contains: str = "pump") -> Rule:
    texts = {"title": "title", "meaning": "meaning", "recommended_action": "action"}
    names = tuple(re.findall(r"\(\?P<(\w+)>", expression))
    return Rule(
        id="demo.pump",
        kind="pump",
        severity=None,
        programs=("app",),
        contains=(contains,),
        expression=expression,
        fields=names,
        group_by=(),
        matching_samples=(),
        other_samples=(),
        **texts,
    )


@pytest.mark.parametrize(
    ("expression", "message", "other"),
    [
        (r"^pump (?P<user>.*) from (?P<address>\S+)$", "pump a b from 1.1.1.1", "pump a b from 203.0.113.77"),
        (r"^pump (?P<user>.*?) from (?P<address>\S+)", "pump x from 1 from 2", "pump x from 34 from 567"),
        (r"^pump: (?P<part>\w+):(?P<rest>.*)$", "pump: ab:c  d 2", "pump: ab:c  d 25"),
        (r"^pump: (?P<part>[^:]+):(?P<rest>.*)$", "pump: a  bb:b  c 2", "pump: a  bb:b  c 25"),
        (r"^pump.{0,12}(?P<state>off|on)", "pump 1 is on", "pump 1234567890123 is on"),
        (r"^pump \d is (?P<state>on)", "pump 1 is on", "pump 12 is on"),
        (r"^pump \d+ is (?P<state>on)(?! 1)", "pump 1 is on 2", "pump 1 is on 1"),
        (r"^pump p\d+(?P<state>\S+) (?P<more>\S+)", "pump p1up 2", "pump p123up 25"),
    ],
)
def test_fields_at_the_borders_of_words_and_numbers_are_read_alike(expression: str, message: str, other: str) -> None:
    header = HEADERS[0].format("app")
    assert_read_alike(KeyTable(RuleSet((made_rule(expression),))), [header + message, header + other])


@given(
    st.datetimes(datetime(2025, 7, 25), datetime(2026, 7, 30)),  # noqa: DTZ001  # bounds have no zone
    st.sampled_from(("%b %d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S+01:30")),
    st.sampled_from((UTC, timezone(timedelta(hours=-9, minutes=-30)))),
)
def test_a_stamp_means_the_same_whatever_was_read_before(at: datetime, form: str, zone: timezone) -> None:
    moment = Moment(NOW, zone)
    stamps = Stamps(moment)
    for second in (at, at + timedelta(seconds=1), at + timedelta(seconds=59)):
        stamp = second.strftime(form)
        told = moment.of(stamp)
        expected = Moments(told, (told or NOW).timestamp())
        assert [stamps[stamp], expected] == [expected, *stamps.of_lines([f"{stamp} web1 app: started"])]
