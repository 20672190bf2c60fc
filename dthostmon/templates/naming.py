"""Templates and their names. Nothing is remembered between runs: the same line has the same template everywhere."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter

from dthostmon.model import Template
from dthostmon.templates.headers import ParsedLine, take_apart
from dthostmon.templates.lines import shape_texts, shapes, split_keys
from dthostmon.templates.masks import MASK, access_text, mask_all

MAX_TEMPLATES = 5000
MAX_TEMPLATES_PER_PROGRAM = 2000
MAX_TEMPLATES_PER_BUCKET = 64
BUCKET_WORDS = 2
OVERFLOW_TEXT = "(a line of a kind beyond the limit of kinds in one run)"
ACCESS = "http-access"

_PROGRAM = attrgetter("program")
_DIGIT_RUN = re.compile(r"[0-9]+")
Name = tuple[str | None, str]


def template_of(line: bytes) -> Template:
    """Return the template of a line, or of its key."""
    (shape,) = shapes(split_keys(line + b"\n"))
    parsed = take_apart(*shape_texts([shape]))
    return make_template(*name_of(parsed.program, *masked_texts([parsed])))


def masked_texts(parsed: Sequence[ParsedLine]) -> list[str]:
    """Return the masked text of each line, which must be one with shortened numbers."""
    texts = mask_all([line.message[line.body :] if line.body else line.message for line in parsed])
    programs = list(map(_PROGRAM, parsed))
    if ACCESS in programs:
        for place in [place for place, program in enumerate(programs) if program == ACCESS]:
            texts[place] = access_text(parsed[place].message)
    return texts


def name_of(program: str | None, text: str) -> Name:
    """Return what names the template of a program's lines with that masked text."""
    return _without_digits(program) if program and program != ACCESS else program, text


@lru_cache(maxsize=512)
def _without_digits(program: str) -> str:
    return _DIGIT_RUN.sub(MASK, program)


def make_template(program: str | None, text: str) -> Template:
    """Name a template. The id is a hash of program and text, so no state is needed to keep it."""
    name = f"{program or ''}\0{text}".encode()
    return Template(id=f"t-{blake2b(name, digest_size=6).hexdigest()}", text=text, program=program)


class TemplateTable:
    """The templates of one run. Memory is bounded, and a flood of free text of one kind leaves room for the others.

    The first MAX_TEMPLATES_PER_BUCKET of lines that begin alike have their own, later ones share a template of their
    bucket; beyond the limits for a program and for the run, all share the overflow template. First come, first
    served: no border of a block changes it.
    """

    def __init__(self, limit: int = MAX_TEMPLATES) -> None:
        self._limit = limit
        self._by_name: dict[Name, Template] = {}
        self._in_bucket: dict[tuple[str | None, int, str], int] = {}
        self._of_program: dict[str | None, int] = {}
        self.overflow = make_template(None, OVERFLOW_TEXT)

    def admit(self, name: Name) -> Template:
        """Return the template of that name, or the one that stands for it beyond a limit."""
        template = self._by_name.get(name)
        return template or self._admit_new(name)

    def _admit_new(self, name: Name) -> Template:
        program, text = name
        beginning = " ".join(text.split(" ", BUCKET_WORDS)[:BUCKET_WORDS])
        bucket = program, text.count(" "), beginning
        in_bucket, of_program = self._in_bucket.get(bucket, 0), self._of_program.get(program, 0)
        if in_bucket >= MAX_TEMPLATES_PER_BUCKET:
            name = program, f"{beginning} {MASK}"
            if name in self._by_name:
                return self._by_name[name]
        if len(self._by_name) >= self._limit or of_program >= MAX_TEMPLATES_PER_PROGRAM:
            return self.overflow
        self._in_bucket[bucket] = in_bucket + 1
        self._of_program[program] = of_program + 1
        template = self._by_name[name] = make_template(*name)
        return template
