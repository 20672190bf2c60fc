"""The findings about reading itself: nothing that could not be read stays unsaid."""

from collections.abc import Iterable

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


def has_warning(told: Iterable[Finding]) -> bool:
    """Tell whether one of the findings needs a person."""
    return any(finding.severity > Severity.INFO for finding in told)


def nothing_read() -> Finding:
    """Tell that no log of a host is read: a good score says nothing about its logs then."""
    return _problem(
        "log-none",
        Severity.WARN,
        "",
        "no log of this host is read",
        "Name logs that exist there in `logs` of this host; where it has no log files, `journal:` reads its journal.",
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


def compressed(path: str) -> Finding:
    """Tell of a configured log that is compressed: nothing is ever added to it."""
    return _problem(
        "log-unreadable",
        Severity.WARN,
        path,
        f"{path} cannot be read: compressed files are read as rotated copies of their log only",
        "Name the log itself in `logs`; `dthostmon analyze` reads an unpacked copy.",
    )


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


def needs_shell(path: str) -> Finding:
    """Tell of a journal or a container on a host where no command can be run."""
    return stream_unreadable(
        path,
        "it is read by commands, and there is no shell on this host",
        "Give the monitoring user a shell there (transport ssh), or take it out of `logs` of this host.",
    )


def stream_unreadable(path: str, reason: str, action: str) -> Finding:
    """Tell of a log that is no file and cannot be read."""
    return _problem("log-unreadable", Severity.WARN, path, f"{path} cannot be read: {reason}", action, reason)


def absent(path: str, reason: str) -> Finding:
    """Tell of a log that is no file and that the host does not have."""
    return _problem(
        "log-missing", Severity.INFO, path, f"{path} is not there: {reason}", f"Remove {path} from `logs` of this host."
    )


def no_entries(path: str) -> Finding:
    """Tell of a journal, or a unit, that has no entry; a mistyped unit has none either."""
    return _problem(
        "log-missing",
        Severity.INFO,
        path,
        f"{path} has no entry yet",
        "Compare the unit's name with `systemctl list-units --all` on the host.",
    )


def stream_gap(path: str, reason: str) -> Finding:
    """Tell that lines of a log that is no file were lost; nobody can tell how many."""
    return _problem(
        "log-gap",
        Severity.WARN,
        path,
        f"{path} has a gap: {reason}",
        "Keep more of it on the host (SystemMaxUse= in journald.conf), or visit more often.",
    )


def no_container(path: str) -> Finding:
    """Tell of a container that no engine lists."""
    reason = "the host lists no container of that name (Podman shows those of root to root only)"
    return absent(path, reason)


def engine_refused(engine: str, reason: str) -> Finding:
    """Tell of a container engine that is there and does not answer the monitoring user."""
    return stream_unreadable(
        f"docker: ({engine})",
        f"{engine} ps: {reason}",
        f"Start {engine}, or let the monitoring user ask it (usermod -aG docker USER; that group is as good as root).",
    )


def engine_said(path: str, said: str, *, is_failure: bool) -> Finding:
    """Tell what a container engine said itself among a container's lines."""
    return _problem(
        "log-engine-message",
        Severity.WARN if is_failure else Severity.INFO,
        path,
        f"the engine said while {path} was read: {said}",
        "Run `docker logs` (or `podman logs`) for it on the host; its log may be damaged.",
        said,
    )


def strange_names(count: int) -> Finding:
    """Tell of containers whose names are no names."""
    return _problem(
        "log-unreadable",
        Severity.WARN,
        "docker:",
        f"the host lists {count} containers in a form that no engine gives; they are not read",
        "Look at `docker ps --all` on the host: something stands in for it.",
    )


def same_name(path: str, engine: str) -> Finding:
    """Tell of a container that cannot be read because another engine has one of its name."""
    reason = f"another container engine has one of that name, and that of {engine} is left out"
    return stream_unreadable(path, reason, "Rename one of the two.")


def too_many_containers(found: int, limit: int) -> Finding:
    """Tell that the patterns match more containers than are read."""
    return _problem(
        "log-too-many",
        Severity.WARN,
        "docker:",
        f"the log patterns match {found} containers, the {limit} newest are read",
        "Make the patterns narrower, or remove old containers.",
    )
