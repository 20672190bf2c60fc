"""Bytes to distinct keys to templates. Pure: the same line has the same template on every host and release.

Most of a log repeats itself but for its digits, so the digits go first, for a whole block at once; everything slower
looks at what is still distinct. A template is made from its line's shape alone and therefore holds no digit.
"""

from dthostmon.templates.headers import ParsedLine, take_apart, take_apart_all
from dthostmon.templates.lines import (
    BLOCK_BYTES,
    LINE_BYTES,
    as_read,
    blocks,
    clean,
    clean_all,
    line_id,
    shape_texts,
    shapes,
    split_keys,
    split_lines,
    visible_part,
)
from dthostmon.templates.masks import MASK, mask
from dthostmon.templates.naming import (
    MAX_TEMPLATES,
    OVERFLOW_TEXT,
    TemplateTable,
    make_template,
    masked_texts,
    name_of,
    template_of,
)
from dthostmon.templates.records import RecordKeeper, parts_of
from dthostmon.templates.times import leading_stamps, read_time

__all__ = [
    "BLOCK_BYTES",
    "LINE_BYTES",
    "MASK",
    "MAX_TEMPLATES",
    "OVERFLOW_TEXT",
    "ParsedLine",
    "RecordKeeper",
    "TemplateTable",
    "as_read",
    "blocks",
    "clean",
    "clean_all",
    "leading_stamps",
    "line_id",
    "make_template",
    "mask",
    "masked_texts",
    "name_of",
    "parts_of",
    "read_time",
    "shape_texts",
    "shapes",
    "split_keys",
    "split_lines",
    "take_apart",
    "take_apart_all",
    "template_of",
    "visible_part",
]
