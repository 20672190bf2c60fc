"""`dthostmon rules`: what is known of programs' messages, and whether the packs hold what they say."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.config.fields import render_duration
from dthostmon.config.problems import did_you_mean, shortened
from dthostmon.errors import NotFoundError

if TYPE_CHECKING:
    from dthostmon.rules import PackCheck, Rule, RuleSequence, RuleSet

SHOWN_PROGRAMS = 2
DAY_SECONDS = 86400


@click.group()
def rules() -> None:
    """Show and test the rule packs."""


@rules.command(name="list")
@json_option
@click.pass_obj
def list_rules(invocation: Invocation, as_json: bool) -> int:
    """List every rule and sequence of every pack. Exits 1 when a pack is refused."""
    from dthostmon.reports.documents import problem_document, rule_document, sequence_document
    from dthostmon.rules import load_packs

    packs = load_packs(_folders(invocation))
    for problem in packs.refused:
        output.say(str(problem))
    if as_json:
        output.print_json(
            {
                "rules": [rule_document(rule) for rule in packs.rules],
                "sequences": [sequence_document(sequence) for sequence in packs.sequences],
                "refused": [problem_document(problem) for problem in packs.refused],
            }
        )
    else:
        told = _everything(packs)
        colours = [output.SEVERITY_COLOURS[one.severity] if one.severity else None for one in told]
        output.print_table(("rule", "severity", "kind", "programs", "title"), [*map(_row, told)], colours)
    return 1 if packs.refused else 0


def _everything(packs: "RuleSet") -> "Sequence[Rule | RuleSequence]":
    return [*packs.rules, *packs.sequences]


def _row(told: "Rule | RuleSequence") -> Sequence[object]:
    return told.id, _severity(told), told.kind or None, _programs(told), told.title or told.meaning


def _programs(told: "Rule | RuleSequence") -> str:
    from dthostmon.rules import Rule

    if not isinstance(told, Rule):
        return "(sequence)"
    more = " …" if len(told.programs) > SHOWN_PROGRAMS else ""
    return ", ".join(told.programs[:SHOWN_PROGRAMS]) + more or "any"


def _severity(told: "Rule | RuleSequence") -> str:
    return str(told.severity) if told.severity else "benign"


@rules.command()
@click.argument("rule_id", metavar="ID")
@json_option
@click.pass_obj
def show(invocation: Invocation, rule_id: str, as_json: bool) -> None:
    """Show one rule or sequence whole: what it means, what to do, and its samples."""
    from dthostmon.reports.documents import rule_document, sequence_document
    from dthostmon.rules import Rule, load_packs

    packs = load_packs(_folders(invocation))
    known = {told.id: told for told in _everything(packs)}
    if rule_id not in known:
        for problem in packs.refused:  # it may be in one of these
            output.say(str(problem))
        raise NotFoundError(f"there is no rule '{shortened(rule_id)}'{_nearest(rule_id, tuple(known))}")
    told = known[rule_id]
    if as_json:
        output.print_json(rule_document(told) if isinstance(told, Rule) else sequence_document(told))
    else:
        _print_meaning(told)
        _print_rule(told) if isinstance(told, Rule) else _print_sequence(told)


def _nearest(rule_id: str, known: tuple[str, ...]) -> str:
    """Return what was meant, in the same pack first, as the end of a message."""
    pack = rule_id.lower().partition(".")[0]
    same = tuple(one for one in known if one.partition(".")[0] == pack)
    return did_you_mean(rule_id, same) or did_you_mean(rule_id, known)


def _print_meaning(told: "Rule | RuleSequence") -> None:
    output.print_line(f"{told.id}: {_severity(told)}{f', {told.kind}' if told.kind else ''}")
    for name, text in (("Title", told.title), ("Meaning", told.meaning), ("What to do", told.recommended_action)):
        if text:
            output.print_line(f"{name}: {text}")


def _print_rule(rule: "Rule") -> None:
    output.print_line(f"Programs: {', '.join(rule.programs) or 'any'}")
    if rule.contains:
        output.print_line(f"Contains: {' or '.join(map(repr, rule.contains))}")
    output.print_line(f"Expression: {rule.expression}")
    for name, fields in (("Fields", rule.fields), ("One finding for each", rule.group_by)):
        if fields:
            output.print_line(f"{name}: {', '.join(fields)}")
    _print_counting(rule)
    _print_samples("Matches", rule.matching_samples)
    _print_samples("Leaves alone", rule.other_samples)


def _print_counting(rule: "Rule") -> None:
    """Print what many of a rule's lines mean, a first one, and what puts them right."""
    for more in rule.escalations:
        agreeing = f" that agree in {', '.join(more.by)}" if more.by else ""
        output.print_line(f"From {more.count} within {_duration(more.within)}{agreeing}: {more.severity}")
    if first := rule.first:
        learning = f", while the host is learned {first.learning}" if first.learning else ""
        output.print_line(f"Never seen before with this {', '.join(first.by)}: {first.severity}{learning}")
    if clearing := rule.cleared_by:
        named = ", ".join((*clearing.rules, *clearing.kinds))
        agreeing = f", agreeing in {', '.join(clearing.by)}" if clearing.by else ""
        output.print_line(f"A note where put right by {named} within {_duration(clearing.within)}{agreeing}")


def _duration(seconds: float) -> str:
    """Render a window; a day is 24h, as it is no day of the calendar."""
    return "24h" if seconds == DAY_SECONDS else render_duration(seconds)


def _print_sequence(sequence: "RuleSequence") -> None:
    agreeing = f", agreeing in {', '.join(sequence.by)}" if sequence.by else ""
    output.print_line(f"Steps, all within {_duration(sequence.within)}{agreeing}:")
    for step in sequence.steps:
        output.print_line(f"    {step.count} of {', '.join((*step.rules, *step.kinds))}")
    _print_samples("Completed by", [" | ".join(story) for story in sequence.matching_samples])
    _print_samples("Not completed by", [" | ".join(story) for story in sequence.other_samples])


def _print_samples(name: str, samples: Sequence[str]) -> None:
    output.print_line(f"{name}:")
    for sample in samples:
        output.print_line(f"    {sample}")


@rules.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@json_option
@click.pass_obj
def test(invocation: Invocation, files: Sequence[Path], as_json: bool) -> int:
    """Check packs, or folders of packs, with all their samples: without FILE the builtin and the configured ones.

    Exits 1 when one has a mistake.
    """
    from dthostmon.reports.documents import pack_document

    checks = _checks(invocation, files)
    for check in checks:
        for problem in check.problems:
            output.say(str(problem))
    if as_json:
        output.print_json({"packs": [pack_document(check) for check in checks]})
    else:
        rows = [(check.path, check.rules, check.samples, _verdict(check)) for check in checks]
        output.print_table(("pack", "rules", "samples", "result"), rows)
    return 1 if any(check.problems for check in checks) else 0


def _verdict(check: "PackCheck") -> str:
    return f"mistakes: {len(check.problems)}" if check.problems else "good"


def _checks(invocation: Invocation, files: Sequence[Path]) -> "Sequence[PackCheck]":
    """Check what was named; its ids may not be those of other packs, unless it is one of the builtin ones."""
    from dthostmon.rules import builtin_folder, check_packs

    if not files:
        return check_packs(_folders(invocation))
    builtin = builtin_folder().resolve()
    if any(builtin in (file.resolve(), *file.resolve().parents) for file in files):
        return check_packs(files)
    return check_packs(files, _folders(invocation))


def _folders(invocation: Invocation) -> Sequence[Path]:
    from dthostmon.rules import builtin_folder

    return [builtin_folder(), *reversed(invocation.rule_folders())]
