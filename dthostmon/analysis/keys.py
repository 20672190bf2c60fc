"""What is known of a line by its key alone: its template, and the rules that may speak of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from operator import attrgetter

from dthostmon import templates
from dthostmon.analysis.own_logins import LOGIN_RULES
from dthostmon.analysis.reading import Reading
from dthostmon.model import OpenRecords, RecordLine, RecordPart, Template
from dthostmon.rules import Rule, RuleSet

MAX_KEYS = 20_000
MAX_SHAPES = 4_000
MAX_KINDS = 2_000
MAX_KEY_BYTES = 2 << 20


@dataclass(slots=True)
class TemplateTally:
    """The count of one template in the making; the sample is the first line that showed it, `path` that line's log.

    `level` is the worst that its lines name.
    """

    template: Template
    sample: bytes
    count: int = 0
    path: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What all lines have in common that are alike but for their parameters.

    `reading` is how they are judged, `record` what they may be in a record of many lines. It equals nothing but itself,
    so that lines are counted by it quickly.
    """

    tally: TemplateTally
    reading: Reading
    record: RecordLine


@dataclass(slots=True, eq=False)
class Key:
    """What all lines of one shape share. It equals nothing but itself, so that lines are counted by it quickly.

    Shapes of one kind of which nothing may be told share theirs: nobody asks how to read their lines.
    """

    kind: Kind
    shape: bytes


# what makes a kind of lines: their masked text, candidates, whether they are tagged, their part in a record, program,
# level, and whether they have a header
_Trait = tuple[str, tuple[Rule, ...], bool, RecordPart, str | None, int | None, bool]


class KeyTable:
    """The distinct keys of one run: a cache of pure results, emptied when full; that changes no result."""

    def __init__(self, rules: RuleSet, open_records: Mapping[str, OpenRecords] | None = None) -> None:
        """`open_records` are those of the run before, by path."""
        self._rules = rules
        self._templates = templates.TemplateTable()
        self._tallies: dict[str, TemplateTally] = {}
        self._keepers = {path: templates.RecordKeeper(opened) for path, opened in (open_records or {}).items()}
        self._kinds: dict[_Trait, Key] = {}
        self._readings: dict[tuple[tuple[Rule, ...], bool], Reading] = {}
        self._forget()

    def _forget(self) -> None:
        self._keys: dict[bytes, Key] = {}
        self._key_bytes = 0
        self._by_shape: dict[bytes, Key] = {}
        if len(self._kinds) > MAX_KINDS:
            self._kinds.clear()
            self._readings.clear()

    @property
    def tallies(self) -> Iterable[TemplateTally]:
        """The templates so far that have lines, in the order of their first line."""
        return [tally for tally in self._tallies.values() if tally.count]

    @property
    def open_records(self) -> Mapping[str, OpenRecords]:
        """What the next line of each log may continue, by path."""
        return {path: keeper.open for path, keeper in self._keepers.items()}

    @property
    def overflow(self) -> int:
        """How many lines were of kinds beyond the limit of kinds in one run."""
        tally = self._tallies.get(self._templates.overflow.id)
        return tally.count if tally else 0

    def look_up(self, keys: Sequence[bytes], lines: Sequence[bytes]) -> list[Key]:
        """Return what is known of each key, in order. `lines` are the true lines of the keys, in the same order."""
        if len(self._keys) > MAX_KEYS or len(self._by_shape) > MAX_SHAPES or self._key_bytes > MAX_KEY_BYTES:
            self._forget()
        fresh = list(dict.fromkeys(filterfalse(self._keys.__contains__, keys)))
        if fresh:
            shapes = templates.shapes(fresh)
            if new := list(dict.fromkeys(filterfalse(self._by_shape.__contains__, shapes))):
                self._study(new, _Samples(shapes, fresh, keys, lines))
            self._keys.update(zip(fresh, map(self._by_shape.__getitem__, shapes), strict=True))
            self._key_bytes += sum(map(len, fresh))
        return list(map(self._keys.__getitem__, keys))

    def count(self, path: str, found: Sequence[Key], kinds: Mapping[Kind, int], lines: Sequence[bytes]) -> None:
        """Count the lines of a piece of a log, each for the template of the record that it belongs to.

        `kinds` says how many of `found` are of each kind.
        """
        if any(kind.record.part is not RecordPart.HEAD for kind in kinds):
            for template, line in zip(self.templates_of(path, found), lines, strict=True):
                tally = self._tally(template, line)
                tally.count += 1
                tally.path = tally.path or path
            return
        for kind, count in kinds.items():
            kind.tally.path = kind.tally.path or path
            kind.tally.count += count
        newest_first = map(_RECORD, reversed(found))
        self._keeper(path).take_heads(newest_first, {kind.record.program for kind in kinds})

    def templates_of(self, path: str, found: Sequence[Key]) -> Iterator[Template]:
        """Return the template that each line of a piece of a log counts for. The piece is taken as read."""
        return self._keeper(path).templates(map(_RECORD, found))

    def _keeper(self, path: str) -> templates.RecordKeeper:
        if path not in self._keepers:
            self._keepers[path] = templates.RecordKeeper(OpenRecords())
        return self._keepers[path]

    def _tally(self, template: Template, line: bytes) -> TemplateTally:
        tally = self._tallies.get(template.id)
        if tally is None:  # of a record that the run before began
            tally = self._tallies[template.id] = TemplateTally(template, templates.visible_part(line))
        return tally

    def _study(self, shapes: Sequence[bytes], samples: "_Samples") -> None:
        """Find out about shapes that are new, all together."""
        texts = templates.shape_texts(shapes)
        parsed = templates.take_apart_all(texts)
        masked, parts = templates.masked_texts(parsed), templates.parts_of(parsed)
        candidates_of = self._rules.candidates_of_all(
            [line.program for line in parsed], [line.message for line in parsed]
        )
        kinds = self._kinds
        columns = zip(shapes, texts, parsed, masked, parts, candidates_of, strict=True)
        for shape, text, line, masked_text, part, candidates in columns:
            start = len(text) - len(line.message)
            is_tagged = bool(candidates) and text.find(": ") + 2 == start > 1 and text.endswith(line.message)
            has_header = line.program is not None or line.has_header
            trait = masked_text, candidates, is_tagged, part, line.program, line.level, has_header
            key = kinds.get(trait)
            if key is None:
                key = kinds[trait] = Key(self._kind(trait, shape, samples), shape)
            self._by_shape[shape] = Key(key.kind, shape) if key.kind.reading.may_tell else key

    def _kind(self, trait: _Trait, shape: bytes, samples: "_Samples") -> Kind:
        text, candidates, is_tagged, part, program, level, has_header = trait
        template = self._templates.admit(templates.name_of(program, text))
        tally = self._tallies.get(template.id) or self._tally(template, samples.of(shape))
        if level is not None and (tally.level is None or level < tally.level):
            tally.level = level
        record = RecordLine(template, part, program, level, has_header)
        return Kind(tally, self._reading(candidates, is_tagged=is_tagged), record)

    def _reading(self, candidates: tuple[Rule, ...], *, is_tagged: bool) -> Reading:
        reading = self._readings.get((candidates, is_tagged))
        if reading is None:
            may_tell = any(self._rules.may_tell(rule) or rule.id in LOGIN_RULES for rule in candidates)
            reading = self._readings[candidates, is_tagged] = Reading(candidates, may_tell, is_tagged)
        return reading


_RECORD = attrgetter("kind.record")


class _Samples:
    """Finds the first line of shapes in a block, which are asked for in the order of their first lines."""

    def __init__(
        self, shapes: Sequence[bytes], shaped_keys: Sequence[bytes], keys: Sequence[bytes], lines: Sequence[bytes]
    ) -> None:
        """`shapes` are those of `shaped_keys`, `lines` those of `keys`."""
        self._shapes = shapes
        self._shaped_keys = shaped_keys
        self._keys = keys
        self._lines = lines
        self._shape_place = self._key_place = 0

    def of(self, shape: bytes) -> bytes:
        self._shape_place = self._shapes.index(shape, self._shape_place)
        self._key_place = self._keys.index(self._shaped_keys[self._shape_place], self._key_place)
        return self._lines[self._key_place]


def by_kind(counts: Mapping[Key, int]) -> Mapping[Kind, int]:
    """Count keys by their kind: a few kinds have most of the keys."""
    kinds: dict[Kind, int] = {}
    for key, count in counts.items():
        kinds[key.kind] = kinds.get(key.kind, 0) + count
    return kinds
