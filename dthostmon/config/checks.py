"""What one key says about another. These read the plain values, so that they report beside the models' own errors."""

from collections.abc import Iterator

from dthostmon.config.document import Document, KeyPath, Value, strings
from dthostmon.config.problems import did_you_mean, shortened
from dthostmon.errors import Problem

SSH_KEYS = (
    "hostname",
    "user",
    "port",
    "key",
    "passphrase",
    "known_hosts",
    "connect_timeout",
    "retries",
    "jump",
    "certificate",
    "agent",
    "config",
)


def cross_checks(document: Document) -> Iterator[Problem]:
    """Yield the mistakes that no single key shows."""
    yield from _duplicate_names(document)
    yield from _undeclared_sites(document)
    yield from _transports(document)
    yield from _unprintable(document)


def _hosts(document: Document) -> Iterator[tuple[KeyPath, dict[str, Value]]]:
    hosts = document.tree.get("hosts")
    for index, host in enumerate(hosts if isinstance(hosts, list) else []):
        if isinstance(host, dict):
            yield ("hosts", index), host


def _duplicate_names(document: Document) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for path, host in _hosts(document):
        name = host.get("name")
        if isinstance(name, str) and name in first:
            line = document.place(first[name]).line
            yield document.problem(
                (*path, "name"),
                f"found '{shortened(name)}', which the host in line {line} is called too; names are unique",
            )
        elif isinstance(name, str):
            first[name] = (*path, "name")


def _undeclared_sites(document: Document) -> Iterator[Problem]:
    sites = document.tree.get("sites")
    declared = tuple(sites) if isinstance(sites, dict) else ()
    for path, host in _hosts(document):
        site = host.get("site")
        if isinstance(site, str) and site not in declared:
            hint = did_you_mean(site, declared) or f"; add '{shortened(site)}: {{}}' to sites"
            yield document.problem((*path, "site"), f"found '{shortened(site)}', which sites does not declare{hint}")


def _transports(document: Document) -> Iterator[Problem]:
    for path, host in _hosts(document):
        transport = host.get("transport", "ssh")
        if transport in {"ssh", "sftp"} and "hostname" not in host:
            yield document.problem(path, f"the key 'hostname' is missing; a host over {transport} needs it")
        if transport == "local":
            for key in SSH_KEYS:
                if key in host:
                    message = "does nothing on a host with transport local; delete it"
                    yield document.problem((*path, key), message, at_key=True)


def _unprintable(document: Document) -> Iterator[Problem]:
    for path, text in strings(document.tree):
        if any(
            (character < " " and character not in "\t\n") or "\ud800" <= character <= "\udfff" for character in text
        ):
            yield document.problem(path, "found a control character or broken UTF-8 in the text; expected plain text")
