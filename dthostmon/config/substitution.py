"""`${VAR}`, `${VAR:-default}`, `${file:PATH}` and `${cred:NAME}` in text values; `$${` is a literal `${`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dthostmon.config.document import Document, KeyPath, Place, Value
from dthostmon.config.sources import SourceFile, read_source, unreadable
from dthostmon.errors import Problem

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_CREDENTIAL = re.compile(r"[A-Za-z0-9._-]+")


class _UnresolvedError(Exception):
    """A reference that cannot be replaced; the message says why and what would be right."""


@dataclass(slots=True)
class Substitution:
    """Replaces references once: what a variable or a file holds is never looked into again.

    `sources` collects the files that were read; the daemon watches them too.
    """

    folder: Path
    environ: Mapping[str, str]
    sources: list[SourceFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _places: dict[KeyPath, Place] = field(default_factory=dict)

    def apply(self, document: Document) -> Document:
        """Return the document with every reference replaced; what cannot be replaced stays and is in `problems`."""
        self._places = dict(document.values)
        tree = {key: self._walk(document, value, (key,)) for key, value in document.tree.items()}
        return replace(document, tree=tree, values=self._places)

    def _walk(self, document: Document, value: Value, path: KeyPath) -> Value:
        if isinstance(value, dict):
            return {key: self._walk(document, below, (*path, key)) for key, below in value.items()}
        if isinstance(value, list):
            return [self._walk(document, below, (*path, index)) for index, below in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(document, value, path)
        return value

    def _text(self, document: Document, text: str, path: KeyPath) -> str:
        try:
            result = _REFERENCE.sub(self._resolve, text)
        except _UnresolvedError as exc:
            self.problems.append(document.problem(path, str(exc)))
            return text
        if any(match[1] is not None for match in _REFERENCE.finditer(text)):
            self._places[path] = replace(self._places[path], literal=False)
        return result

    def _resolve(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        reference = match[1]
        if reference is None:
            raise _UnresolvedError("'${' has no matching '}'; write $${ for a literal ${")
        kind, _, name = reference.partition(":")
        if kind == "file":
            return self._file(self.folder / name, reference) if name else self._unclear(reference)
        if kind == "cred":
            return self._credential(name, reference)
        return self._variable(reference)

    def _variable(self, reference: str) -> str:
        match = _VARIABLE.fullmatch(reference)
        if match is None:
            return self._unclear(reference)
        name, default = match.groups()
        value = self.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise _UnresolvedError(f"the variable {name} is not set; set it, or write ${{{name}:-default}}")
        return value

    def _credential(self, name: str, reference: str) -> str:
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if not _CREDENTIAL.fullmatch(name) or name in {".", ".."}:
            return self._unclear(reference)
        if not folder:
            raise _UnresolvedError(
                f"${{{reference}}} needs systemd credentials, and $CREDENTIALS_DIRECTORY is not set;"
                f" add LoadCredential={name}:PATH to the unit, or use ${{file:PATH}}"
            )
        return self._file(Path(folder, name), reference)

    def _file(self, path: Path, reference: str) -> str:
        try:
            source, data = read_source(path)
            text = data.decode()
        except (OSError, ValueError) as exc:
            raise _UnresolvedError(f"${{{reference}}} cannot be read from {path}: {unreadable(exc)}") from exc
        self.sources.append(source)
        return text.removesuffix("\n").removesuffix("\r")

    @staticmethod
    def _unclear(reference: str) -> str:
        forms = "${VAR}, ${VAR:-default}, ${file:PATH}, ${cred:NAME}, or $${ for a literal ${"
        raise _UnresolvedError(f"found ${{{reference[:60]}}}; expected {forms}")
