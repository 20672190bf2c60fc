"""`dthostmon rules`: what is known of programs' messages, and whether the packs hold what they say."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.config.problems import did_you_mean, shortened
from dthostmon.errors import NotFoundError

if TYPE_CHECKING:
    from dthostmon.rules import PackCheck, Rule

SHOWN_PROGRAMS = 2


@click.group()
def rules() -> None:
    """Show and test the rule packs."""


@rules.command(name="list")
@json_option
@click.pass_obj
def list_rules(invocation: Invocation, as_json: bool) -> int:
    """List every rule of every pack. Exits 1 when a pack is refused."""
    from dthostmon.reports.documents import problem_document, rule_document
    from dthostmon.rules import load_packs

    packs = load_packs(_folders(invocation))
    for problem in packs.refused:
        output.say(str(problem))
    if as_json:
        refused = [problem_document(problem) for problem in packs.refused]
        output.print_json({"rules": [rule_document(rule) for rule in packs.rules], "refused": refused})
    else:
        colours = [output.SEVERITY_COLOURS[rule.severity] if rule.severity else None for rule in packs.rules]
        output.print_table(("rule", "severity", "kind", "programs", "title"), [*map(_row, packs.rules)], colours)
    return 1 if packs.refused else 0


def _row(rule: "Rule") -> Sequence[object]:
    programs = rule.programs[:SHOWN_PROGRAMS]
    listed = ", ".join(programs) + (" …" if len(rule.programs) > len(programs) else "")
    return rule.id, _severity(rule), rule.kind or None, listed or "any", rule.title or rule.meaning


def _severity(rule: "Rule") -> str:
    return str(rule.severity) if rule.severity else "benign"


@rules.command()
@click.argument("rule_id", metavar="ID")
@json_option
@click.pass_obj
def show(invocation: Invocation, rule_id: str, as_json: bool) -> None:
    """Show one rule whole: what it means, what to do, and its samples."""
    from dthostmon.reports.documents import rule_document
    from dthostmon.rules import load_packs

    known = {rule.id: rule for rule in load_packs(_folders(invocation)).rules}
    if rule_id not in known:
        raise NotFoundError(f"there is no rule '{shortened(rule_id)}'{did_you_mean(rule_id, tuple(known))}")
    if as_json:
        output.print_json(rule_document(known[rule_id]))
    else:
        _print_rule(known[rule_id])


def _print_rule(rule: "Rule") -> None:
    output.print_line(f"{rule.id}: {_severity(rule)}{f', {rule.kind}' if rule.kind else ''}")
    output.print_line(f"Programs: {', '.join(rule.programs) or 'any'}")
    for name, text in (("Title", rule.title), ("Meaning", rule.meaning), ("What to do", rule.recommended_action)):
        if text:
            output.print_line(f"{name}: {text}")
    output.print_line(f"Expression: {rule.expression}")
    for name, samples in (("Matches", rule.matching_samples), ("Leaves alone", rule.other_samples)):
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
    """Check what was named; its ids may not be those of the builtin rules, unless it is one of their packs."""
    from dthostmon.rules import builtin_folder, check_packs, load_packs

    if not files:
        return check_packs(_folders(invocation))
    builtin = builtin_folder().resolve()
    if any(builtin in (file.resolve(), *file.resolve().parents) for file in files):
        return check_packs(files)
    return check_packs(files, {rule.id for rule in load_packs([builtin_folder()]).rules})


def _folders(invocation: Invocation) -> Sequence[Path]:
    from dthostmon.rules import builtin_folder

    return [builtin_folder(), *reversed(invocation.rule_folders())]
