"""Files whose bytes are no lines yet, and the command that makes lines of them."""

import shlex
from dataclasses import dataclass
from pathlib import Path

SEEN_BYTES = 1024

_GZIP, _XZ, _ZSTD, _BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"BZh"
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # a block, or the end where there is none
_MOSTLY = 0.9


@dataclass(frozen=True, slots=True)
class ForeignForm:
    """What a file is instead of text in UTF-8, and the program that turns it into that."""

    name: str
    program: str

    def command(self, file: Path) -> str:
        """Return the command that analyses the file; FILE stands for one that came in on stdin."""
        named = "FILE" if str(file) == "-" else shlex.quote(str(file))
        return f"{self.program} {named} | dthostmon analyze -"


def foreign_form(content: bytes) -> ForeignForm | None:
    """Return what the bytes of a file are where they are not lines themselves."""
    if program := _unpacking(content):
        return ForeignForm("compressed", program)
    encoding = _encoding(content)
    return ForeignForm(f"written in {encoding}", f"iconv -f {encoding} -t UTF-8") if encoding else None


def _unpacking(content: bytes) -> str | None:
    for magic, program in ((_GZIP, "zcat"), (_XZ, "xzcat"), (_ZSTD, "zstdcat")):
        if content.startswith(magic):
            return program
    return "bzcat" if content.startswith(_BZIP2) and content[4:10] in _BZIP2_BLOCKS else None


def _encoding(content: bytes) -> str | None:
    """Return the encoding of wide characters that the first bytes show, by their mark or by where their zeros are."""
    for mark, encoding in ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32")):
        if content.startswith(mark):
            return encoding
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    first, second = content[:SEEN_BYTES:2], content[1:SEEN_BYTES:2]
    if _are_wide(first, second):
        return "UTF-16LE"
    return "UTF-16BE" if _are_wide(second, first) else None


def _are_wide(low: bytes, high: bytes) -> bool:
    return bool(low) and not low.count(0) and high.count(0) > _MOSTLY * len(high)
