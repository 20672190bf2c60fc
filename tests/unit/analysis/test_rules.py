"""The rule engine and its packs."""

import re._parser as parser  # the standard library's own parser; it has no public name
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from dthostmon.model import Severity
from dthostmon.rules import Rule, RuleSet, builtin_folder, check_packs, decide, load_packs
from dthostmon.rules.document import parse_document, parse_tested_document
from dthostmon.rules.expressions import slowness
from dthostmon.rules.rule import NO_PROGRAM

BUILTIN = load_packs([builtin_folder()])

PACK = """\
programs: [demo]
rules:
  - id: demo.broken
    kind: demo
    severity: WARN
    contains: [broken]
    match: '^(?P<part>\\w+) is broken'
    fields: [part]
    group_by: [part]
    title: "{part} broke {count} time{s}"
    meaning: A part is broken.
    recommended_action: Mend {part}.
    samples:
      match: [pump is broken]
      no_match: [pump is not broken]
"""


def written(folder: Path, text: str, name: str = "demo.yaml") -> Path:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return path


@pytest.mark.parametrize("pack", sorted(builtin_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_each_builtin_pack_judges_its_samples_as_it_says(pack: Path) -> None:
    (check,) = check_packs([pack])
    assert not check.problems
    assert check.samples >= 2 * check.rules > 0


@pytest.mark.parametrize("pack", sorted(builtin_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_both_parsers_read_a_builtin_pack_alike(pack: Path) -> None:
    text = pack.read_text(encoding="utf-8")
    document, mistakes = parse_document(text)
    assert not mistakes
    assert parse_tested_document(text) == document


def test_all_builtin_packs_load_together() -> None:
    assert not BUILTIN.refused
    assert {rule.id.split(".")[0] for rule in BUILTIN.rules} >= {
        "cron",
        "kernel",
        "pam",
        "sshd",
        "su",
        "sudo",
        "systemd",
    }
    assert len({rule.id for rule in BUILTIN.rules}) == len(BUILTIN.rules)


def test_a_rule_says_what_it_means_and_what_to_do() -> None:
    for rule in BUILTIN.rules:
        assert rule.meaning.endswith("."), rule.id
        assert rule.benign or rule.recommended_action or rule.severity is Severity.INFO, rule.id


SLOW = {
    "repeats itself": [
        "(a+)+b",
        "(a+b)+c",
        "(.*)*",
        "^(([a-z])+.)+$",
        "(?:[^,]+,)*x",
        "(a{1,100}){1,100}b",
        "(?:a*|b)*c",
    ],
    "in several ways": ["(a|a)*c", "(a|b|ab)*c", r"(?:\w{1,3}\w)*;", "(?:a?a?)*b"],
    "side by side": [
        "a*a*b",
        "x.*.*y",
        r"\s*-?\s*x",
        "(?P<a>.+)(?P<b>.+) x",
        "<[^:]+[^>]*>",
        r"\s*(?:a|\s*b)",
        r"\d+(?:\.)?\w*!",
        r"a(?:b+|\w+)$.*c",
    ],
}
QUICK = [
    r"^(?P<part>\w+) is broken",
    r"(?:\w++ )+x",
    "(?>a+)+b",
    r"(?:\+|%20|%2b)+c",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    "(?:, ?(?:a|b))*c",
    r"a .*b .*c",
    r"x (\w+).*",
    r"x (\w+)(?P<rest>.*)",
    r"\w+: \w+",
    "<[^:]++[^>]*+>",
    r"[a-z]+\s*\d+",
    r"(?=.*a).*b",
    "a{1,9}.*b",
    "(?:foo|bar)+.*x",
]


@pytest.mark.parametrize(("words", "expression"), [(words, one) for words, all_ in SLOW.items() for one in all_])
def test_an_expression_that_may_take_for_ever_is_known_by_its_form(words: str, expression: str) -> None:
    assert words in (slowness(expression) or "")


@pytest.mark.parametrize("expression", QUICK)
def test_an_expression_of_usual_form_is_good(expression: str) -> None:
    assert slowness(expression) is None


def test_no_builtin_expression_may_take_for_ever() -> None:
    assert not [rule.id for rule in BUILTIN.rules if slowness(rule.expression)]


REPEATS = {parser.MAX_REPEAT, parser.MIN_REPEAT, parser.POSSESSIVE_REPEAT}
LOOKS = {parser.ASSERT, parser.ASSERT_NOT}


def inner_parts(arguments):
    """Return the expressions inside an item of a parsed expression."""
    for part in arguments if isinstance(arguments, tuple) else (arguments,):
        for branch in part if isinstance(part, list) else [part]:
            if isinstance(branch, parser.SubPattern):
                yield branch


def begins_with_repetition(parsed) -> bool:
    """Tell whether an unbounded repetition comes first: a search tries it from each place of a line."""
    for code, arguments in parsed:
        if code is parser.AT or code in LOOKS:
            return False
        unbounded = code in REPEATS and arguments[1] == parser.MAXREPEAT
        if unbounded or any(map(begins_with_repetition, inner_parts(arguments))):
            return True
        if code not in REPEATS or arguments[0]:
            return False
    return False


def test_no_expression_begins_with_a_repetition_at_any_place() -> None:
    assert begins_with_repetition(parser.parse(r"(?:a|\d+) b"))
    assert not begins_with_repetition(parser.parse(r"(?:^|(?<!\w)\w+|\d:)\w+ b"))
    assert not [rule.id for rule in BUILTIN.rules if begins_with_repetition(parser.parse(rule.expression))]


def decided_by_all(rule: Rule, sample: str) -> Rule | None:
    """Return the rule that decides a sample of a rule when all packs are loaded."""
    program = rule.programs[0] if rule.programs else None
    match = decide(BUILTIN.candidates(None if program == NO_PROGRAM else program, sample), sample)
    return match.rule if match else None


def test_no_pack_takes_a_line_from_another_that_means_something_else() -> None:
    taken = []
    for rule in BUILTIN.rules:
        if rule.id.startswith("zz-any."):  # what any program says, its own pack may know better
            continue
        for sample in rule.matching_samples:
            other = decided_by_all(rule, sample)
            if other is None or (other.severity, other.benign) != (rule.severity, rule.benign):
                taken.append(f"{rule.id}, by {other.id if other else 'nobody'}: {sample}")
    assert not taken


def test_a_pack_of_the_user_comes_before_the_builtin_ones(tmp_path: Path) -> None:
    written(tmp_path, PACK.replace("[demo]", "[sshd]").replace("broken", "closed"))
    rules = load_packs([builtin_folder(), tmp_path])
    assert rules.rules[0].id == "demo.closed"
    assert len(rules.rules) == len(BUILTIN.rules) + 1


def test_rules_without_samples_are_the_same_rules(tmp_path: Path) -> None:
    written(tmp_path, PACK)
    folders = [builtin_folder(), tmp_path]
    kept, bare = load_packs(folders), load_packs(folders, keep_samples=False)
    without = {"matching_samples": (), "other_samples": ()}
    assert [*map(repr, bare.rules)] == [repr(replace(rule, **without)) for rule in kept.rules]
    assert [*map(repr, bare.sequences)] == [repr(replace(one, **without)) for one in kept.sequences]


def test_a_pack_whose_samples_fail_is_refused_where_none_are_kept(tmp_path: Path) -> None:
    written(tmp_path, PACK.replace("no_match: [pump is not", "no_match: [pump is"))
    rules = load_packs([tmp_path], keep_samples=False)
    assert not rules.rules
    assert "should not be decided by" in rules.refused[0].message


def test_the_rules_of_a_pack_share_its_programs_and_names() -> None:
    sshd = [rule for rule in BUILTIN.rules if rule.id.startswith("sshd.")]
    assert len({id(rule.programs) for rule in sshd}) < len(sshd) / 2
    kinds = [rule.kind for rule in BUILTIN.rules]
    assert len(set(map(id, kinds))) == len(set(kinds))


def test_what_a_rule_captures_comes_with_the_match(tmp_path: Path) -> None:
    written(tmp_path, PACK)
    rules = load_packs([tmp_path])
    match = decide(rules.candidates("demo", "pump is broken"), "pump is broken")
    assert match is not None
    assert match.fields == {"part": "pump"}


def test_another_program_is_no_candidate_and_a_version_in_its_name_does_not_matter(tmp_path: Path) -> None:
    written(tmp_path, PACK)
    rules = load_packs([tmp_path])
    assert not rules.candidates("other", "pump is broken")
    assert not rules.candidates(None, "pump is broken")
    assert rules.candidates("DEMO8.2", "pump is broken")


MISTAKES = {
    "not yaml": ("rules: [", 1, "this is no YAML"),
    "a control character": ("rules:\n  - id: a\x1b", 2, "it holds the character 0x001b"),
    "no mapping": ("- a", 1, "a pack is a mapping"),
    "empty": ("", 1, "a pack is a mapping"),
    "no rules": ("programs: [x]\n", 1, "must be a list of at least one rule"),
    "unknown key": (PACK.replace("    kind:", "    knid: x\n    kind:"), 4, "did you mean 'kind'?"),
    "missing key": (PACK.replace("    kind: demo\n", ""), 3, "'kind' is missing"),
    "bad severity": (PACK.replace("WARN", "HIGH"), 5, "'HIGH' is no severity"),
    "bad expression": (PACK.replace("(?P<part>", "(?P<part"), 7, "no regular expression"),
    "expression for all lines": (PACK.replace("'^(?P<part>\\w+) is broken'", "'(?P<part>\\w*)'"), 7, "fits every line"),
    "exponential expression": (
        PACK.replace("is broken'", "(?: is?)+ broken'").replace("is?", "(?:i+s)+"),
        7,
        "for ever",
    ),
    "field not captured": (PACK.replace("fields: [part]", "fields: [part, size]"), 7, "'size' is not captured"),
    "unknown placeholder": (PACK.replace("{part} broke", "{size} broke"), 10, "'size' is not among"),
    "digit in literal": (PACK.replace("contains: [broken]", "contains: [8 broken]"), 6, "holds a digit"),
    "unknown threshold": (
        PACK.replace("    title:", "    escalate: [{count: logins, within: 1h, severity: WARN}]\n    title:"),
        10,
        "the name of a threshold",
    ),
    "first without group": (
        PACK.replace("    group_by: [part]\n", "    first: {by: [part], severity: WARN}\n"),
        9,
        "needs 'part' in group_by",
    ),
    "cleared by nothing": (
        PACK.replace("    title:", "    cleared_by: {within: 5m}\n    title:"),
        10,
        "names no rules and no kinds",
    ),
    "window too long": (
        PACK.replace("    title:", "    escalate: [{count: 2, within: 8d, severity: WARN}]\n    title:"),
        10,
        "7d at most",
    ),
    "no samples": (PACK.partition("    samples:")[0], 3, "they are the rule's test"),
    "sample of another": (PACK.replace("match: [pump is broken]", "match: [pump is well]"), 14, "but is by no rule"),
    "sample too many": (PACK.replace("[pump is not broken]", "[well is broken]"), 15, "should not be decided"),
    "literal that is not there": (
        PACK.replace("[broken]", "[Broken]"),
        14,
        "'contains' does not occur in it: 'Broken'",
    ),
    "expression that does not match": (
        PACK.replace("match: [pump is broken]", "match: [a pump is broken]"),
        14,
        "'match' does not match it",
    ),
    "field that is empty": (
        PACK.replace("\\w+)", "\\w*)").replace("match: [pump is broken]", "match: [' is broken']"),
        14,
        "captures nothing as part",
    ),
    "sample with a header": (
        PACK.replace("match: [pump is broken]", "match: ['Jul 28 06:00:00 web1 demo[7]: pump is broken']"),
        14,
        "as if it had a syslog header",
    ),
    "sample of another program": (
        PACK.replace("match: [pump is broken]", "match: ['other[7]: pump is broken']"),
        14,
        "its program 'other' is not among 'programs'",
    ),
    "cleared by an unknown kind": (
        PACK.replace("    title:", "    cleared_by: {within: 5m, kinds: [failed-logins]}\n    title:"),
        10,
        "no rule has the kind 'failed-logins'; did you mean 'failed-login'?",
    ),
    "duplicate key": (PACK + "rules: []\n", 16, "duplicate key"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_the_pack_is_refused(case: str, tmp_path: Path) -> None:
    text, line, words = MISTAKES[case]
    path = written(tmp_path, text)
    rules = load_packs([builtin_folder(), tmp_path])
    assert rules.rules == BUILTIN.rules or len(rules.rules) == len(BUILTIN.rules)
    found = [problem for problem in rules.refused if words in problem.message]
    assert [(problem.where, problem.line) for problem in found] == [(str(path), line)], rules.refused


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    written(tmp_path, PACK.replace("WARN", "HIGH").replace("[broken]", '["8"]').replace("{part} broke", "{size} broke"))
    assert len(load_packs([tmp_path]).refused) == 3


def test_a_refused_pack_leaves_the_others_alone(tmp_path: Path) -> None:
    written(tmp_path, "rules: [", "a.yaml")
    written(tmp_path, PACK, "b.yaml")
    rules = load_packs([tmp_path])
    assert [rule.id for rule in rules.rules] == ["demo.broken"]
    assert len(rules.refused) == 1


def test_an_id_may_be_used_once(tmp_path: Path) -> None:
    written(tmp_path, PACK, "a.yaml")
    written(tmp_path, PACK, "b.yaml")
    assert "is used by another rule" in load_packs([tmp_path]).refused[0].message
    assert "is used by another rule" in check_packs([tmp_path])[1].problems[0].message


def test_a_taken_id_names_the_pack_that_has_it(tmp_path: Path) -> None:
    first = written(tmp_path, PACK, "a.yaml")
    written(tmp_path, PACK.replace("demo.broken", "sshd.login"), "b.yaml")
    written(tmp_path, PACK, "c.yaml")
    checks = check_packs([tmp_path], beside=[builtin_folder()])
    told = [problem.message for check in checks for problem in check.problems]
    assert [f"in {builtin_folder() / 'sshd.yaml'}" in told[0], f"in {first}" in told[1]] == [True, True]
    written(tmp_path, PACK.partition("\n")[0] + "\nrules:\n" + 2 * PACK.partition("rules:\n")[2])
    assert "in this pack" in check_packs([tmp_path / "demo.yaml"])[0].problems[0].message


SEQUENCE = """\
sequences:
  - id: own.entry
    kind: own-entry
    severity: CRITICAL
    within: 1h
    by: [address]
    steps:
      - {kinds: [failed-login], count: 2}
      - {rules: [sshd.password-login]}
    title: "{address} came in"
    meaning: A password was guessed.
    samples:
      match:
        - - "sshd: Failed password for ann from 203.0.113.7 port 40000 ssh2"
          - "sshd: Failed password for ann from 203.0.113.7 port 40001 ssh2"
          - "sshd: Accepted password for ann from 203.0.113.7 port 40002 ssh2"
      no_match:
        - - "sshd: Failed password for ann from 203.0.113.7 port 40000 ssh2"
          - "sshd: Accepted password for ann from 203.0.113.7 port 40002 ssh2"
"""
ACCEPTED = "Accepted password for ann from 203.0.113.7 port 40002"


def test_a_pack_may_hold_sequences_of_builtin_rules_alone(tmp_path: Path) -> None:
    (check,) = check_packs([written(tmp_path, SEQUENCE)])
    assert (check.problems, check.rules, check.samples) == ((), 1, 2)
    rules = load_packs([builtin_folder(), tmp_path])
    assert not rules.refused
    assert rules.sequences[-1].id == "own.entry"


def test_a_sequence_may_name_what_another_pack_of_the_user_has(tmp_path: Path) -> None:
    written(tmp_path, PACK, "z.yaml")
    written(tmp_path, SEQUENCE.replace("[sshd.password-login]", "[sshd.password-login, demo.broken]"), "a.yaml")
    assert not load_packs([builtin_folder(), tmp_path]).refused
    assert not any(check.problems for check in check_packs([tmp_path]))
    assert not any(check.problems for check in check_packs([tmp_path / "a.yaml"], beside=[tmp_path]))
    assert "there is no rule 'demo.broken'" in check_packs([tmp_path / "a.yaml"])[0].problems[0].message


SLIPS = {
    "unknown kind": (
        "[failed-login]",
        "[faild-login]",
        8,
        "no rule has the kind 'faild-login'; did you mean 'failed-login'?",
    ),
    "unknown rule": (
        "[sshd.password-login]",
        "[sshd.pasword-login]",
        9,
        "there is no rule 'sshd.pasword-login'; did you mean 'sshd.password-login'?",
    ),
    "too few": ("count: 2", "count: 3", 14, "it stops at step 1: 2 of 3 lines of failed-login"),
    "another address": (
        "203.0.113.7 port 40002",
        "203.0.113.8 port 40002",
        14,
        "it stops at step 2: 0 of 1 lines of sshd.password-login",
    ),
    "another program": (
        f"sshd: {ACCEPTED}",
        f"other: {ACCEPTED}",
        14,
        "program 'other' is not among the programs of sshd.",
    ),
    "no program": (f"sshd: {ACCEPTED}", ACCEPTED, 14, "a line has no program"),
    "a header": (
        f"sshd: {ACCEPTED}",
        f"Jul 28 06:00:00 web1 sshd[7]: {ACCEPTED}",
        14,
        "as if it had a syslog header",
    ),
    "not understood": (f"sshd: {ACCEPTED}", "sshd: Fail", 14, "no rule decides 'Fail"),
    "another rule": (
        "Accepted password for ann",
        "Accepted password for root",
        14,
        "root-password-login, which no step names",
    ),
    "no field": ("by: [address]", "by: [unit]", 14, "does not capture unit"),
}


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_in_a_sequence_is_told_with_its_place(case: str, tmp_path: Path) -> None:
    right, wrong, line, words = SLIPS[case]
    text = SEQUENCE.replace("{address}", "somebody")
    assert right in text
    written(tmp_path, text.replace(right, wrong))
    problems = load_packs([builtin_folder(), tmp_path]).refused
    assert [problem.line for problem in problems if words in problem.message] == [line], problems


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (1 << 20) + b"#"])
def test_a_pack_that_is_no_text_or_too_large_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_bytes(content)
    assert "cannot be read" in load_packs([tmp_path]).refused[0].message


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "no such rule pack or folder" in load_packs([tmp_path / "nothing"]).refused[0].message
    assert check_packs([tmp_path / "nothing"])[0].problems


def test_an_empty_rule_set_has_no_candidates() -> None:
    assert RuleSet(()).candidates("sshd", "Failed password for root from 203.0.113.7 port 1") == ()
