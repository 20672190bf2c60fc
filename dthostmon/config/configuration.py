"""The configuration as the rest of the program sees it: immutable, checked, complete."""

import os.path
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dthostmon.config.document import Document
from dthostmon.config.inheritance import layers
from dthostmon.config.models import Settings
from dthostmon.config.problems import did_you_mean, shortened
from dthostmon.config.sources import SourceFile
from dthostmon.errors import NotFoundError, Problem
from dthostmon.model import Host


@dataclass(frozen=True, slots=True)
class Configuration:
    """One reading of one file. `hosts` are effective; `sources` are the files it came from, `${file:…}` included."""

    path: Path
    settings: Settings
    hosts: tuple[Host, ...]
    warnings: tuple[Problem, ...]
    sources: tuple[SourceFile, ...]
    document: Document = field(repr=False)  # its plain values may hold secrets

    def host(self, name: str) -> Host:
        """Return a host by its name; raises NotFoundError with the nearest name."""
        for host in self.hosts:
            if host.name == name:
                return host
        names = tuple(host.name for host in self.hosts)
        hint = did_you_mean(name, names) if names else "; it has no hosts"
        raise NotFoundError(f"{self.path} has no host '{shortened(name)}'{hint}")

    @property
    def rule_folders(self) -> tuple[Path, ...]:
        """The folders of the user's own rule packs, in the order of trial."""
        return tuple(self.path.parent / Path(folder).expanduser() for folder in self.settings.rules.folders)

    def missing_rule_folders(self) -> Iterator[Problem]:
        """Yield a problem for each folder of rule packs that is none."""
        for index, folder in enumerate(self.rule_folders):
            if not os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir raises where a folder may not be looked into
                message = f"found '{shortened(str(folder))}', which is no folder; create it or remove its name"
                yield self.document.problem(("rules", "folders", index), message)

    def problem(self, host: Host, key: str, message: str) -> Problem:
        """Make a problem at the place that gives a host an inherited key: its own, its site's or the global one."""
        *inner, overall = layers(self.hosts.index(host), host.site, key)
        return self.document.problem(next(filter(self.document.has, inner), overall), message)


def changed(configuration: Configuration) -> bool:
    """Tell whether a file behind the configuration has other content now; one stat per file while none was touched."""
    return any(source.changed() for source in configuration.sources)
