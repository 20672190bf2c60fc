"""The evidence of a host as a JSON document, to be asked about later."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dthostmon.judge.evidence import HostEvidence, Record, RecordKind, Sample
from dthostmon.model import Evidence


def evidence_document(evidence: HostEvidence) -> dict[str, Any]:
    """Return the evidence as plain values."""
    return asdict(evidence) | {"records": [_record_document(record) for record in evidence.records]}


def _record_document(record: Record) -> dict[str, Any]:
    samples = [
        {"text": sample.text, "template": sample.template, "place": _place_document(sample.place)}
        for sample in record.samples
    ]
    return asdict(record) | {"kind": str(record.kind), "content": dict(record.content), "samples": samples}


def _place_document(place: Evidence) -> dict[str, Any]:
    return asdict(place) | {"time": place.time.isoformat() if place.time else None}


def evidence_value(document: Mapping[str, Any]) -> HostEvidence:
    """Build the evidence from its document."""
    return HostEvidence(**{**document, "records": tuple(map(_record_value, document["records"]))})


def _record_value(document: Mapping[str, Any]) -> Record:
    samples = tuple(
        Sample(sample["text"], sample["template"], _place_value(sample["place"])) for sample in document["samples"]
    )
    return Record(**{**document, "kind": RecordKind(document["kind"]), "samples": samples})


def _place_value(document: Mapping[str, Any]) -> Evidence:
    time = document["time"]
    return Evidence(**{**document, "time": datetime.fromisoformat(time) if time else None})
