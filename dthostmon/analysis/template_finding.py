"""A finding about a template itself: no rule spoke of its lines."""

from dthostmon.model import Evidence, Finding, FindingSource, Severity, TemplateCount

MAX_TITLE_CHARACTERS = 120


def writer_of(entry: TemplateCount) -> str:
    """Return who writes a template's lines: the program, or the log where the lines name none."""
    return entry.template.program or entry.path


def template_finding(
    entry: TemplateCount, kind: str, severity: Severity, source: FindingSource, told: str, action: str
) -> Finding:
    """Return what is told of a template: `told` is what it did, before its text in the title."""
    return Finding(
        kind=kind,
        severity=severity,
        title=f"{writer_of(entry)} {told}: {entry.template.text[:MAX_TITLE_CHARACTERS]}",
        source=source,
        count=entry.count,
        evidence=(Evidence(entry.path, entry.sample),),
        recommended_action=action,
        fields={"template": entry.template.id, "program": entry.template.program or ""},
    )
