"""User certificates: the one that is named, or else the one beside the key, as ssh does."""

import shlex
import stat
from dataclasses import dataclass
from functools import lru_cache

import asyncssh
from asyncssh.public_key import SSHOpenSSHCertificate

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.failures import reason
from dthostmon.transport.file_state import FileState

MAX_CERTIFICATE_BYTES = 64 * 1024
CERT_TYPE_USER = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a key is certified with. `certificate` is None where there is none that can be used; `problem` says why."""

    certificate: asyncssh.SSHCertificate | None = None
    path: str = ""
    problem: VisitError | None = None


def load_certificate(access: SshAccess, public_data: bytes) -> Certificate:
    """Read the certificate of a key; blocks for as long as the file takes.

    One that the configuration names must be good: raises VisitError (auth). One that only lies beside the key may be
    none, or be left out with its problem: the key alone may still open the door.
    """
    path = access.certificate or f"{access.key}-cert.pub"
    try:
        found = _valid(path, public_data)
    except FileNotFoundError as exc:
        if access.certificate is None:
            return Certificate()
        fix = "Have the key signed: `ssh-keygen -s CA_KEY -I NAME -n USER KEY.pub`, or leave `ssh.certificate` out."
        raise unusable(f"The certificate {path} does not exist.", fix) from exc
    except VisitError as error:
        if access.certificate is None:
            return Certificate(path=path, problem=error)
        raise
    return Certificate(found, path)


def _valid(path: str, public_data: bytes) -> SSHOpenSSHCertificate:
    certificate = _read(path)
    see = f"`ssh-keygen -Lf {shlex.quote(path)}` shows it"
    if certificate.key.public_data != public_data:
        fix = f"{see}; name the certificate that was made for this key, or have the key signed anew."
        raise unusable(f"The certificate {path} does not belong to the key.", fix)
    try:
        certificate.validate(CERT_TYPE_USER, None)
    except ValueError as exc:
        raise _invalid(path, str(exc), see) from exc
    return certificate


def _read(path: str) -> SSHOpenSSHCertificate:
    try:
        return _parse(FileState.of(path))
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError) as exc:
        fix = "Let the user of dthostmon read it, or name another as `ssh.certificate`."
        raise unusable(f"The certificate {path} cannot be read: {reason(exc)}.", fix) from exc
    except asyncssh.KeyImportError as exc:
        fix = "Name the file that `ssh-keygen -s` wrote, KEY-cert.pub."
        raise unusable(f"{path} is no certificate: {reason(exc)}.", fix) from exc


@lru_cache(maxsize=256)
def _parse(file: FileState) -> SSHOpenSSHCertificate:
    if not stat.S_ISREG(file.mode) or file.size > MAX_CERTIFICATE_BYTES:
        raise asyncssh.KeyImportError("it is something else")
    found = asyncssh.import_certificate(file.path.read_bytes())
    if not isinstance(found, SSHOpenSSHCertificate):
        raise asyncssh.KeyImportError("it is one of X.509")
    return found


def _invalid(path: str, said: str, see: str) -> VisitError:
    if "expired" in said:
        return unusable(f"The certificate {path} has expired.", f"Have the key signed anew; {see}.")
    if "not yet" in said:
        fix = f"Check this machine's clock (`timedatectl`), or wait; {see}."
        return unusable(f"The certificate {path} is not yet valid.", fix)
    fix = f"Have the key signed without `-h`; {see}."
    return unusable(f"The certificate {path} is for hosts, not for users.", fix)


def unusable(message: str, fix: str) -> VisitError:
    """Make the error of something that we cannot log in with."""
    return VisitError(ErrorKind.AUTH, message, fix)
