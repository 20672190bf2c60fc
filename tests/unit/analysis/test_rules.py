"""The rule engine and its packs."""

import re._parser as parser  # the standard library's own parser; it has no public name
from pathlib import Path
from textwrap import dedent

import pytest

from dthostmon.model import Severity
from dthostmon.rules import Rule, RuleSet, builtin_folder, check_packs, decide, load_packs
from dthostmon.rules.document import parse_document, parse_tested_document
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


ASCII = frozenset(map(chr, range(128)))
REPEATS = {parser.MAX_REPEAT, parser.MIN_REPEAT}
LOOKS = {parser.ASSERT, parser.ASSERT_NOT}
GIVE_NOTHING_BACK = {parser.POSSESSIVE_REPEAT, parser.ATOMIC_GROUP}


def is_unbounded(code, arguments) -> bool:
    return code in REPEATS and arguments[1] == parser.MAXREPEAT


def inner_parts(arguments):
    """Return the expressions inside an item of a parsed expression."""
    for part in arguments if isinstance(arguments, tuple) else (arguments,):
        for branch in part if isinstance(part, list) else [part]:
            if isinstance(branch, parser.SubPattern):
                yield branch


def has_nested_repetition(expression: str) -> bool:
    """Tell whether a repeated group repeats itself: that is what makes an expression exponential."""

    def nested(parsed, inside: bool) -> bool:
        for code, arguments in parsed:
            unbounded = is_unbounded(code, arguments)
            if unbounded and inside:
                return True
            if any(nested(part, inside or unbounded) for part in inner_parts(arguments)):
                return True
        return False

    return nested(parser.parse(expression), inside=False)


def characters(repeated) -> frozenset[str]:
    """Return which characters a repeated item of one character's width may match, none of any other item."""
    items = repeated[0][1] if repeated[0][0] is parser.IN else [*repeated]
    if len(repeated) != 1 or repeated.getwidth() != (1, 1) or next(inner_parts(repeated[0][1]), None):
        return frozenset()
    negated = items[0][0] is parser.NEGATE
    found = {character for item in items for character in ASCII if fits(item, character)}
    return ASCII - found if negated else frozenset(found)


def fits(item, character: str) -> bool:
    code, argument = item
    if code is parser.LITERAL or code is parser.NOT_LITERAL:
        return (ord(character) == argument) == (code is parser.LITERAL)
    if code is parser.RANGE:
        return argument[0] <= ord(character) <= argument[1]
    if code is parser.CATEGORY:
        is_of_kind = {"DIGIT": str.isdigit, "SPACE": str.isspace, "WORD": lambda one: one.isalnum() or one == "_"}
        return is_of_kind[str(argument).rpartition("_")[2]](character) == ("_NOT_" not in str(argument))
    return code is parser.ANY


def has_adjacent_repetitions(expression: str) -> bool:
    """Tell whether two unbounded repetitions with nothing that must stand between them can match the same character.

    A line of that character can then be shared out between them in as many ways as it is long, and each is tried.
    """
    met = []

    def walk(parsed, open_: list[frozenset[str]]) -> list[frozenset[str]]:
        for code, arguments in parsed:
            open_ = [*dict.fromkeys(step(code, arguments, open_))]
        return open_

    def step(code, arguments, open_: list[frozenset[str]]) -> list[frozenset[str]]:
        if code is parser.AT:
            return open_
        if is_unbounded(code, arguments) and (own := characters(arguments[2])):
            met.extend(own & other for other in open_)
            return [*(open_ if not arguments[0] else ()), own]
        after = [one for part in inner_parts(arguments) for one in walk(part, [] if code in LOOKS else open_)]
        if code in GIVE_NOTHING_BACK:
            after = []
        return [*open_, *after] if code in LOOKS or may_be_empty(code, arguments) else after

    walk(parser.parse(expression), [])
    return any(met)


def may_be_empty(code, arguments) -> bool:
    return code in REPEATS | {parser.POSSESSIVE_REPEAT} and not arguments[0]


def begins_with_repetition(parsed) -> bool:
    """Tell whether an unbounded repetition comes first: a search tries it from each place of a line."""
    for code, arguments in parsed:
        if code is parser.AT or code in LOOKS:
            return False
        unbounded = code in REPEATS | {parser.POSSESSIVE_REPEAT} and arguments[1] == parser.MAXREPEAT
        if unbounded or any(map(begins_with_repetition, inner_parts(arguments))):
            return True
        if not may_be_empty(code, arguments):
            return False
    return False


def test_no_expression_has_a_nested_repetition() -> None:
    assert has_nested_repetition("(a+b)+c")
    assert not [rule.id for rule in BUILTIN.rules if has_nested_repetition(rule.expression)]


@pytest.mark.parametrize("expression", ["<[^:]+[^>]*>", r"\s*(?:a|\s*b)", r"\d+(?:\.)?\w*!", r"a(?:b+|\w+)$.*"])
def test_repetitions_that_share_characters_are_found(expression: str) -> None:
    assert has_adjacent_repetitions(expression)


@pytest.mark.parametrize("expression", [r"\w+: \w+", "<[^:]++[^>]*+>", r"[a-z]+\s*\d+", r"(?=.*a).*b", "a{1,9}.*"])
def test_repetitions_that_share_nothing_are_no_mistake(expression: str) -> None:
    assert not has_adjacent_repetitions(expression)


def test_no_expression_has_adjacent_repetitions() -> None:
    assert not [rule.id for rule in BUILTIN.rules if has_adjacent_repetitions(rule.expression)]


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
    "no mapping": ("- a", 1, "a pack is a mapping"),
    "empty": ("", 1, "a pack is a mapping"),
    "no rules": ("programs: [x]\n", 1, "must be a list of at least one rule"),
    "unknown key": (PACK.replace("    kind:", "    knid: x\n    kind:"), 4, "did you mean 'kind'?"),
    "missing key": (PACK.replace("    kind: demo\n", ""), 3, "'kind' is missing"),
    "bad severity": (PACK.replace("WARN", "HIGH"), 5, "'HIGH' is no severity"),
    "bad expression": (PACK.replace("(?P<part>", "(?P<part"), 7, "no regular expression"),
    "expression for all lines": (PACK.replace("'^(?P<part>\\w+) is broken'", "'(?P<part>\\w*)'"), 7, "fits every line"),
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


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (1 << 20) + b"#"])
def test_a_pack_that_is_no_text_or_too_large_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_bytes(content)
    assert "cannot be read" in load_packs([tmp_path]).refused[0].message


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "no such rule pack or folder" in load_packs([tmp_path / "nothing"]).refused[0].message
    assert check_packs([tmp_path / "nothing"])[0].problems


def test_an_empty_rule_set_has_no_candidates() -> None:
    assert RuleSet(()).candidates("sshd", "Failed password for root from 203.0.113.7 port 1") == ()
