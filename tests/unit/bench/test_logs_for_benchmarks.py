"""What the benchmark of analysis measures with is what its names say."""

import re
from itertools import islice
from pathlib import Path

import pytest
from analyze_memory import next_piece
from hostile_logs import LONG_LINE_BYTES, all_kinds, lines_of
from line_readers import DIGITS, documented_masks
from made_logs import ORDINARY, RANDOM, all_parameters_vary, numbers_vary, seeded, taken
from many_rules import rules_of_measured_programs, with_made_rules

from dthostmon.analysis import examine
from dthostmon.logs.reading import CAPS
from dthostmon.model import Thresholds
from dthostmon.rules import builtin_folder, load_packs

LINES = 3000
BUILTIN = load_packs([builtin_folder()])
HOSTILE = all_kinds(BUILTIN)


@pytest.mark.parametrize("lines", [numbers_vary, all_parameters_vary, *HOSTILE.values()])
def test_every_run_measures_the_same_bytes(lines):
    assert taken(lines(seeded()), 20_000) == taken(lines(seeded()), 20_000)


@pytest.mark.parametrize("lines", [numbers_vary, all_parameters_vary, *HOSTILE.values()])
def test_each_line_is_one_line(lines):
    made = list(islice(lines(seeded()), 50))
    assert [(line.count(b"\n"), line[-1:]) for line in made] == [(1, b"\n")] * 50


def test_a_log_ends_with_the_line_that_fills_its_size():
    data = taken(numbers_vary(seeded()), 20_000)
    assert len(data) >= 20_000 > len(data) - len(data.splitlines(keepends=True)[-1])


def test_a_log_whose_numbers_vary_has_no_more_kinds_of_lines_than_forms():
    kinds = {re.sub(rb"\d+", b"0", line) for line in islice(numbers_vary(seeded()), LINES)}
    assert len(kinds) == len(ORDINARY)


def test_hardly_two_lines_are_alike_where_every_parameter_is_random():
    keys = [line.translate(DIGITS) for line in islice(all_parameters_vary(seeded()), LINES)]
    assert len(set(keys)) > 0.99 * LINES
    assert {key.split()[4].split(b"[")[0].rstrip(b":") for key in keys} == {
        re.split(r"\W*\[|:", form)[0].encode() for form in RANDOM
    }


def test_no_two_lines_of_a_flood_are_alike():
    for kind in ("flood of distinct lines", "numbers of every length"):
        assert len({line.translate(DIGITS) for line in islice(HOSTILE[kind](seeded()), LINES)}) > 0.99 * LINES


def test_a_flood_for_rules_is_seen_by_rules():
    data = b"".join(islice(HOSTILE["flood of lines for rules"](seeded()), 200))
    findings = examine([("/var/log/syslog", data)], BUILTIN, Thresholds(), None).findings
    assert {str(finding.rule).split(".")[0] for finding in findings} == {"kernel", "sshd", "sudo", "systemd"}


def test_near_misses_hold_what_rules_look_for():
    lines = list(islice(HOSTILE["near misses of rules"](seeded()), 500))
    literals = {literal.encode() for rule in BUILTIN.rules for literal in rule.contains}
    assert sum(any(literal in line for literal in literals) for line in lines) > 250


@pytest.mark.parametrize("length", [1000, 16_000, LONG_LINE_BYTES])
def test_long_lines_have_their_length_to_the_byte(length):
    assert {len(line) for line in islice(lines_of(length, seeded()), 3)} == {length}


def test_made_rules_stand_beside_the_builtin_ones_and_none_is_refused(tmp_path):
    rules = with_made_rules(60, tmp_path)
    assert len(rules.rules) == len(BUILTIN.rules) + 60
    assert not rules.refused


def test_the_few_rules_judge_what_all_of_them_judge():
    few = rules_of_measured_programs(BUILTIN)
    data = b"".join(islice(numbers_vary(seeded()), LINES))
    found, found_by_all = (examine([("a", data)], rules, Thresholds(), None).findings for rules in (few, BUILTIN))
    assert len(few.rules) < len(BUILTIN.rules) / 2
    assert {finding.rule for finding in found} == {finding.rule for finding in found_by_all}


def test_made_rules_of_no_program_look_at_the_lines_of_all(tmp_path):
    rules = with_made_rules(60, tmp_path, ())
    assert any(
        rule.id.startswith("made.") for rule in rules.candidates("whatever", "port session user from Started request ")
    )


def test_a_refused_pack_is_not_measured_in_silence(tmp_path):
    (tmp_path / "broken.yaml").write_text("rules: []\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="refused"):
        with_made_rules(1, tmp_path)


def test_a_large_log_is_read_in_whole_lines_as_visits_read_it(tmp_path: Path):
    data = taken(numbers_vary(seeded()), CAPS.log + 100_000)
    (tmp_path / "log").write_bytes(data)
    with (tmp_path / "log").open("rb") as log:
        pieces = [next_piece(log), next_piece(log), next_piece(log)]
    assert b"".join(pieces) == data
    assert pieces[0].endswith(b"\n")
    assert CAPS.log - 1000 < len(pieces[0]) <= CAPS.log
    assert pieces[2] == b""


def test_the_masks_of_drain3_come_from_its_own_description():
    pytest.importorskip("drain3")
    assert [mask["mask_with"] for mask in documented_masks()] == ["IP", "NUM"]
