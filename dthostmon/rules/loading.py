"""Rule packs from YAML files. One with a mistake or a failing sample is refused, the others load."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from dthostmon.errors import Problem
from dthostmon.rules.counting import RuleSequence
from dthostmon.rules.document import Mistake, parse_document, parse_tested_document, place
from dthostmon.rules.references import names_of, reference_mistakes
from dthostmon.rules.rule import Rule
from dthostmon.rules.ruleset import RuleSet
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
    """A pack, with its text for the places of mistakes; `is_tested`: the project's tests have checked it."""

    path: Path
    text: str
    content: PackContent
    problems: tuple[Problem, ...]
    is_tested: bool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What it adds to the rules of others."""
        return () if self.problems else self.content.rules

    @property
    def ids(self) -> Mapping[str, str]:
        """The ids that it takes, with its name."""
        taken: list[Rule | RuleSequence] = [*self.rules]
        if not self.problems:
            taken += self.content.sequences
        return {one.id: str(self.path) for one in taken}

    def without_samples(self) -> "_Pack":
        """Return the pack as it judges lines; it was checked before."""
        return replace(self, content=self.content.without_samples())


def builtin_folder() -> Path:
    """Return the folder of the packs that come with dthostmon."""
    return Path(__file__).with_name("packs")


def load_packs(folders: Sequence[Path], *, keep_samples: bool = True) -> RuleSet:
    """Load the packs of all folders.

    Rules of a later folder are tried before those of an earlier one, so users can overrule; of two packs with one id
    it is the later one that is refused.

    The builtin packs' samples are not run here: the project's own tests run them before each release. What judges
    lines for long need not keep any samples: they are 1 MB.
    """
    taken: dict[str, str] = {}
    refused: list[Problem] = []
    by_folder: list[Sequence[_Pack]] = []
    for folder in folders:
        files, problems = _pack_files([folder])
        refused += problems
        by_folder.append(_load_folder(folder, files, taken, keep_samples=keep_samples))
    known = [pack for packs in reversed(by_folder) for pack in packs]
    everyone = partial(_rules_of, known, keep_samples=keep_samples)
    by_folder = [[_with_references(pack, everyone) for pack in packs] for packs in by_folder]
    if not keep_samples:
        by_folder = [[pack if pack.is_tested else pack.without_samples() for pack in packs] for packs in by_folder]
    every = [pack for packs in by_folder for pack in packs]
    return RuleSet(
        rules=tuple(rule for packs in reversed(by_folder) for pack in packs for rule in pack.rules),
        refused=(*refused, *(problem for pack in every for problem in pack.problems)),
        sequences=tuple(one for pack in every if not pack.problems for one in pack.content.sequences),
    )


def check_packs(paths: Sequence[Path], beside: Sequence[Path] = ()) -> tuple[PackCheck, ...]:
    """Check packs, or folders of packs, with all their samples.

    The ids of the packs of the folders `beside` are taken, and their rules and kinds known; those of the builtin packs
    are known always.
    """
    files, problems = _pack_files(paths)
    others = _others(files, beside)
    taken = {one: name for pack in others for one, name in pack.ids.items()}
    packs = [*_loaded(files, taken)]
    everyone = partial(_rules_of, [*packs, *others])
    checked = [_with_references(pack, everyone) for pack in packs]
    return (*(PackCheck(Path(problem.where), 0, 0, (problem,)) for problem in problems), *map(_check, checked))


def _check(pack: _Pack) -> PackCheck:
    tested: list[Rule | RuleSequence] = [*pack.content.rules, *pack.content.sequences]
    samples = sum(len(one.matching_samples) + len(one.other_samples) for one in tested)
    return PackCheck(pack.path, len(tested), samples, pack.problems)


def _others(files: Sequence[Path], folders: Sequence[Path]) -> list[_Pack]:
    """Load the packs of folders in the order of trial, but for some files, which are looked at by themselves."""
    apart = {file.resolve() for file in files}
    taken: dict[str, str] = {}
    found: list[_Pack] = []
    for folder in folders:
        here = [file for file in _pack_files([folder])[0] if file.resolve() not in apart]
        found = [*_load_folder(folder, here, taken), *found]
    return found


def _load_folder(
    folder: Path, files: Sequence[Path], taken: dict[str, str], *, keep_samples: bool = True
) -> Sequence[_Pack]:
    if folder != builtin_folder() or taken:
        return [*_loaded(files, taken)]
    packs = _builtin_packs(keep_samples=keep_samples)
    taken |= {one: name for pack in packs for one, name in pack.ids.items()}
    return packs


@cache
def _builtin_packs(*, keep_samples: bool) -> tuple[_Pack, ...]:
    """Load what comes with dthostmon once: it does not change while dthostmon runs."""
    files, _ = _pack_files([builtin_folder()])
    packs = _loaded(files, {}, are_tested=True)
    return tuple(packs if keep_samples else map(_Pack.without_samples, packs))


def _loaded(files: Iterable[Path], taken: dict[str, str], *, are_tested: bool = False) -> Iterator[_Pack]:
    """Load packs one after the other; each takes its ids."""
    for path in files:
        pack = _load(path, taken, is_tested=are_tested)
        taken |= pack.ids
        yield pack


def _rules_of(packs: Sequence[_Pack], *, keep_samples: bool = True) -> tuple[Rule, ...]:
    """Return the rules of packs and of the builtin ones, each once and in this order, which is that of trial."""
    known: dict[str, Rule] = {}
    for pack in (*packs, *_builtin_packs(keep_samples=keep_samples)):
        for rule in pack.rules:
            known.setdefault(rule.id, rule)
    return tuple(known.values())


def _with_references(pack: _Pack, everyone: Callable[[], Sequence[Rule]]) -> _Pack:
    """Check what a pack says of other rules, once `everyone` is known: names that steps use, samples of sequences."""
    if pack.problems or pack.is_tested:
        return pack
    from dthostmon.rules.samples import sequence_sample_mistakes  # see _sample_mistakes

    rules, content = pack.content.rules, pack.content
    mistakes: Sequence[Mistake] = [*reference_mistakes(content, names_of(rules))]
    if mistakes:
        own = {rule.id for rule in rules}
        rules = (*rules, *(rule for rule in everyone() if rule.id not in own))
        mistakes = [*reference_mistakes(content, names_of(rules))]
    mistakes = mistakes or sequence_sample_mistakes(content.sequences, rules)
    return replace(pack, problems=_problems(pack.path, pack.text, mistakes))


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


def _load(path: Path, taken_ids: Mapping[str, str], *, is_tested: bool) -> _Pack:
    try:
        text = _read(path)
    except (OSError, ValueError) as exc:
        return _Pack(path, "", PackContent(), (Problem(str(path), 0, 0, "", f"the pack cannot be read: {exc}"),))
    document, mistakes = (parse_tested_document(text), ()) if is_tested else parse_document(text)
    content = PackContent()
    if not mistakes:
        content, mistakes = read_pack(document, taken_ids)
    if not mistakes and not is_tested:
        mistakes = _sample_mistakes(content.rules)
    return _Pack(path, "" if is_tested else text, content, _problems(path, text, mistakes), is_tested)


def _sample_mistakes(rules: Sequence[Rule]) -> Sequence[Mistake]:
    from dthostmon.rules.samples import sample_mistakes  # packs of a user's own need it, the builtin ones are tested

    return sample_mistakes(rules)


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
