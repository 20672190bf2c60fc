"""Rule packs from YAML files. One with a mistake or a failing sample is refused, the others load."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dthostmon.errors import Problem
from dthostmon.rules.counting import RuleSequence
from dthostmon.rules.document import Mistake, parse_document, parse_tested_document, place
from dthostmon.rules.rule import Rule
from dthostmon.rules.ruleset import RuleSet
from dthostmon.rules.samples import sample_mistakes
from dthostmon.rules.schema import PackContent, read_pack

PACK_BYTES_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class PackCheck:
    """What a full check of one pack found. No problem = expressions compile, and samples are judged as they say."""

    path: Path
    rules: int
    samples: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Pack:
    path: Path
    content: PackContent
    problems: tuple[Problem, ...]


def builtin_folder() -> Path:
    """Return the folder of the packs that come with dthostmon."""
    return Path(__file__).with_name("packs")


def load_packs(folders: Sequence[Path]) -> RuleSet:
    """Load the packs of all folders.

    Rules of a later folder are tried before those of an earlier one, so users can overrule; of two packs with one id
    it is the later one that is refused.

    The builtin packs' samples are not run here: the project's own tests run them before each release.
    """
    rules: tuple[Rule, ...] = ()
    taken: set[str] = set()
    sequences: list[RuleSequence] = []
    refused: list[Problem] = []
    for folder in folders:
        files, problems = _pack_files([folder])
        refused += problems
        added: list[Rule] = []
        for path in files:
            pack = _load(path, taken, is_tested=folder == builtin_folder())
            refused += pack.problems
            if not pack.problems:
                taken |= {rule.id for rule in pack.content.rules} | {one.id for one in pack.content.sequences}
                added += pack.content.rules
                sequences += pack.content.sequences
        rules = (*added, *rules)
    return RuleSet(rules, tuple(refused), tuple(sequences))


def check_packs(paths: Sequence[Path], taken_ids: Iterable[str] = ()) -> tuple[PackCheck, ...]:
    """Check packs, or folders of packs, with all their samples. `taken_ids` are those of rules elsewhere."""
    files, problems = _pack_files(paths)
    checks = [PackCheck(Path(problem.where), 0, 0, (problem,)) for problem in problems]
    seen = set(taken_ids)
    for path in files:
        pack = _load(path, seen, is_tested=False)
        tested: list[Rule | RuleSequence] = [*pack.content.rules, *pack.content.sequences]
        seen |= {one.id for one in tested}
        samples = sum(len(one.matching_samples) + len(one.other_samples) for one in tested)
        checks.append(PackCheck(path, len(tested), samples, pack.problems))
    return tuple(checks)


def _pack_files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            if path.is_dir():
                files += sorted(file for file in path.iterdir() if file.suffix == ".yaml")
            elif path.is_file():
                files.append(path)
            else:
                problems.append(_unusable(path, "there is no such rule pack or folder; create it or remove its name"))
        except OSError as exc:
            problems.append(_unusable(path, f"cannot be read: {exc.strerror}"))
    return files, problems


def _unusable(path: Path, message: str) -> Problem:
    return Problem(str(path), 0, 0, "", message)


def _load(path: Path, taken_ids: set[str], *, is_tested: bool) -> _Pack:
    try:
        text = _read(path)
    except (OSError, ValueError) as exc:
        return _Pack(path, PackContent(), (Problem(str(path), 0, 0, "", f"the pack cannot be read: {exc}"),))
    document, mistakes = (parse_tested_document(text), ()) if is_tested else parse_document(text)
    content = PackContent()
    if not mistakes:
        content, mistakes = read_pack(document, taken_ids)
    if not mistakes and not is_tested:
        mistakes = sample_mistakes(content.rules, content.sequences)
    return _Pack(path, content, _problems(path, text, mistakes))


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(PACK_BYTES_LIMIT + 1)
    if len(content) > PACK_BYTES_LIMIT:
        raise ValueError(f"it is larger than {PACK_BYTES_LIMIT} bytes; split it")
    return content.decode("utf-8")


def _problems(path: Path, text: str, mistakes: Sequence[Mistake]) -> tuple[Problem, ...]:
    return tuple(
        Problem(str(path), *place(text, mistake), ".".join(map(str, mistake.path)), mistake.message)
        for mistake in mistakes
    )
