"""How a source tells of several things at once: one JSON object a line. Pure.

A reader takes no line for granted: what is no object, or has another type than is asked for, is not there.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Iterator, Mapping

Record = Mapping[str, object]

LARGEST_NUMBER = 2**63 - 1


def written(records: Iterable[Record]) -> bytes:
    """Write records; bytes become base64."""
    return b"\n".join(json.dumps(record, default=_encoded).encode() for record in records)


def read(raw: bytes) -> Iterator[Record]:
    """Yield the records of an output."""
    for line in raw.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def text(record: Record, name: str) -> str:
    """Return a text, "" where there is none."""
    found = record.get(name)
    return found if isinstance(found, str) else ""


def texts(record: Record, name: str) -> tuple[str, ...]:
    """Return the texts of a list, () where there is none."""
    found = record.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def number(record: Record, name: str) -> int | None:
    """Return a number from 0 to LARGEST_NUMBER, None where there is none."""
    found = record.get(name)
    if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= LARGEST_NUMBER:
        return found
    return None


def content(record: Record, name: str) -> bytes | None:
    """Return bytes, None where there are none."""
    found = record.get(name)
    if not isinstance(found, str):
        return None
    try:
        return b64decode(found, validate=True)
    except (Error, ValueError):
        return None


def _encoded(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is nothing that a record holds")
