"""The findings about reading itself: nothing that could not be read stays unsaid."""

from dthostmon.model import Evidence, Finding, FindingSource, Gap, Severity


def _problem(kind: str, severity: Severity, path: str, title: str, action: str, detail: str = "") -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        title=title,
        source=FindingSource.RULE,
        rule=f"dthostmon.{kind}",
        evidence=(Evidence(path, detail),) if detail else (),
        recommended_action=action,
        fields={"path": path},
    )


def missing(path: str) -> Finding:
    """Tell of a configured log that does not exist on the host."""
    return _problem(
        "log-missing",
        Severity.INFO,
        path,
        f"{path} does not exist",
        f"Remove {path} from `logs` of this host, or start what writes it.",
    )


def unreadable(path: str, reason: str) -> Finding:
    """Tell of a log or a directory that the monitoring user may not read."""
    return _problem(
        "log-unreadable",
        Severity.WARN,
        path,
        f"{path} cannot be read: {reason}",
        "Let the monitoring user read it, for instance: usermod -aG adm,systemd-journal USER",
        reason,
    )


def unlistable(folder: str, reason: str, *, is_all: bool) -> Finding:
    """Tell of a folder of a glob that may not be listed; `is_all`: nothing else matched, so nothing is watched."""
    return _problem(
        "log-folder-unreadable",
        Severity.WARN if is_all else Severity.INFO,
        folder,
        f"the folder {folder} cannot be listed: {reason}",
        "Let the monitoring user list it, or make the pattern in `logs` narrower.",
        reason,
    )


def nothing_read() -> Finding:
    """Tell that no log of a host is read: a good score says nothing about its logs then."""
    return _problem(
        "log-none",
        Severity.INFO,
        "",
        "no log of this host is read",
        "Name logs that exist there in `logs` of this host; the journal cannot be read yet.",
    )


def not_a_regular_file(path: str, *, directory: bool) -> Finding:
    """Tell of a configured log that is a directory, a FIFO, a device or a socket."""
    what = "a directory" if directory else "no regular file"
    action = (
        f"Write {path}/* to read the files in it."
        if directory
        else "Only regular files are read; name the file that the program writes."
    )
    return _problem("log-not-regular", Severity.WARN, path, f"{path} is {what}", action)


def too_many_files(found: int, limit: int) -> Finding:
    """Tell that the patterns match more files than are read."""
    return _problem(
        "log-too-many",
        Severity.WARN,
        "",
        f"the log patterns match {found} files, the {limit} newest are read",
        "Make the patterns narrower, or rotate old files away.",
    )


def gap(path: str, lost: Gap) -> Finding:
    """Tell that a log was replaced and that what it held before was not found again."""
    known = f"{lost.bytes} bytes that were there are lost" if lost.bytes else "lines since the last visit may be lost"
    return _problem(
        "log-gap",
        Severity.WARN if lost.bytes else Severity.INFO,
        path,
        f"{path} has a gap: {known}",
        "Rotate by renaming, keep the old file readable until the next visit, or visit more often.",
        lost.reason,
    )


def lag(path: str, skipped: Gap) -> Finding:
    """Tell that a log grows faster than it is read, and that a part of it was given up."""
    return _problem(
        "log-lag",
        Severity.WARN,
        path,
        f"{path} is written faster than it is read: {skipped.bytes} bytes were skipped",
        "Find what writes so much; or visit more often, or raise `max_lag`.",
        skipped.reason,
    )
