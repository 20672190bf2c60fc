"""The probe `certificates`: what is in files, and until when. Listeners are not asked for theirs.

To ask one costs a host more than all other probes together (openssl, 20 ms each), and leaves lines of a broken
connection in its service's log. What a listener shows is in a file nearly always.

The library is loaded when the first certificate is read: it costs some MB.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable, Sequence
from hashlib import sha256

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import records
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Source, Told
from dthostmon.model import Certificate, Inventory, ThingKind
from dthostmon.transport import globs

# Where services keep their own. Stores of authorities (/etc/ssl/certs) are left out: they are the system's, and many.
USUAL_PLACES = (
    "/etc/letsencrypt/live/*/cert.pem",
    "/etc/ssl/*.crt",
    "/etc/ssl/*.pem",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/etc/pki/tls/certs/localhost.crt",
    "/etc/nginx/ssl/*",
    "/etc/nginx/certs/*",
    "/etc/apache2/ssl/*",
    "/etc/haproxy/*.pem",
    "/etc/haproxy/certs/*",
    "/etc/postfix/*.pem",
    "/etc/dovecot/*.pem",
    "/etc/kubernetes/pki/*.crt",
    "/var/lib/caddy/.local/share/caddy/certificates/*/*/*.crt",
)
# Services' settings that name one by its path.
SETTINGS = (
    "/etc/nginx/nginx.conf",
    "/etc/nginx/conf.d/*.conf",
    "/etc/nginx/sites-enabled/*",
    "/etc/apache2/sites-enabled/*",
    "/etc/httpd/conf.d/*.conf",
)
BINARY_ENDINGS = (".crt", ".cer", ".cert", ".der")
ENDINGS = (*BINARY_ENDINGS, ".pem")
MAX_FILES = 200
MAX_SETTINGS = 100
LONGEST_FILE = 256 * 1024
MAX_IN_FILE = 10  # a file with more is a store of authorities
LONGEST_REASON = 1000

_NAMED = re.compile(
    rb"^\s*(?:ssl_certificate|SSLCertificateFile)\s+[\"']?(/[^\s;\"'$]{1,1000})[\"']?\s*;?\s*$", re.MULTILINE
)
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_NOT_READ = "the files could not be read"


def kept_in(patterns: Sequence[str]) -> Source:
    """Make the source that tells of the first certificate in each file of the usual places, the services' settings,
    and those of some globs that are named as certificates are.
    """
    own = [pattern for pattern in patterns if pattern.endswith(ENDINGS)]

    async def tell(files: FactFiles) -> Told:
        refused: list[FileUnreadableError] = []
        named = await _named(files, await _paths(files, SETTINGS, refused), refused)
        placed = await _paths(files, (*USUAL_PLACES, *own), refused)
        found = {path for path in (*placed, *named) if not path.endswith(".key")}
        told = await asyncio.gather(*(_record(files, path, refused) for path in sorted(found)[:MAX_FILES]))
        missing = sorted({str(error) for error in refused})  # in the same order each time
        if len(found) > MAX_FILES:
            missing.append(f"there are more than {MAX_FILES} files")
        return Told(records.written([{"missing": missing}, *filter(None, told)]))

    return tell


async def _paths(files: FactFiles, patterns: Iterable[str], refused: list[FileUnreadableError]) -> Sequence[str]:
    found = await asyncio.gather(*(_matching(files, pattern, refused) for pattern in dict.fromkeys(patterns)))
    return [path for paths in found for path in paths]


async def _matching(files: FactFiles, pattern: str, refused: list[FileUnreadableError]) -> Sequence[str]:
    try:
        if not globs.is_glob(pattern):
            stat = await files.stat(pattern)
            return [pattern] if stat and stat.regular and stat.size <= LONGEST_FILE else []
        expanded = await globs.expand(files, pattern)
    except FileUnreadableError as error:
        refused.append(error)
        return []
    refused += expanded.refused
    return [path for path, stat in expanded.found.items() if stat.regular and stat.size <= LONGEST_FILE]


async def _named(files: FactFiles, settings: Sequence[str], refused: list[FileUnreadableError]) -> Sequence[str]:
    """Return the paths that settings of services name and that are there."""
    held = await asyncio.gather(*(_beginning(files, setting, refused) for setting in settings[:MAX_SETTINGS]))
    paths = [path.decode() for text in held for path in _NAMED.findall(text) if path.isascii()]
    return await _paths(files, [path for path in paths if not globs.is_glob(path)], refused)


async def _beginning(files: FactFiles, path: str, refused: list[FileUnreadableError]) -> bytes:
    try:
        return await files.piece(path, 0, LONGEST_FILE)
    except FileUnreadableError as error:
        refused.append(error)
        return b""


async def _record(files: FactFiles, path: str, refused: list[FileUnreadableError]) -> records.Record | None:
    """Tell of one file; a private key beside the certificate is not passed on."""
    held = await _beginning(files, path, refused)
    blocks = _BLOCK.findall(held)
    if blocks and len(blocks) <= MAX_IN_FILE:
        return {"path": path, "pem": blocks[0]}
    return {"path": path, "der": held} if held[:1] == b"\x30" and path.endswith(BINARY_ENDINGS) else None


def parse_certificates(outputs: Outputs) -> Inventory:
    """Read the records of files. What is no certificate after all is left out."""
    found: dict[str, Certificate | None] = {}
    missing = {ThingKind.CERTIFICATE: _NOT_READ}
    for record in records.read(outputs.get("kept", b"")):
        if "missing" in record:
            reasons = "; ".join(records.texts(record, "missing"))
            missing = {ThingKind.CERTIFICATE: plain(reasons, LONGEST_REASON)} if reasons else {}
        elif (path := plain(records.text(record, "path"), 4096)) and (der := _der(record)):
            found[path] = _certificate(path, der)
    return Inventory(tuple(filter(None, found.values())), missing)


def _der(record: records.Record) -> bytes:
    pem = records.content(record, "pem")
    if pem is None:
        return records.content(record, "der") or b""
    try:
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    except ValueError:
        return b""


def _certificate(path: str, der: bytes) -> Certificate | None:
    from cryptography import exceptions, x509  # see above

    try:
        found = x509.load_der_x509_certificate(der)
        subject, issuer = found.subject, found.issuer
        expires_at = found.not_valid_after_utc
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion, exceptions.UnsupportedAlgorithm):
        return None
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        alternative = [str(name) for name in names.get_values_for_type(x509.DNSName)]
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, exceptions.UnsupportedAlgorithm):
        alternative = []
    common = [str(attribute.value) for attribute in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return Certificate(
        where=path,
        name=plain((common + alternative + [subject.rfc4514_string()])[0]),
        issuer=plain(issuer.rfc4514_string()),
        fingerprint=sha256(der).hexdigest(),
        expires_at=expires_at,
    )


def certificates_probe(patterns: Sequence[str], before: str | None) -> InventoryProbe:  # noqa: ARG001  # all is read again
    """Make the probe of some globs."""
    return InventoryProbe(
        name="certificates",
        kinds=frozenset({ThingKind.CERTIFICATE}),
        parse=parse_certificates,
        scope=" ".join(patterns),
        reads={"kept": kept_in(patterns)},
    )
