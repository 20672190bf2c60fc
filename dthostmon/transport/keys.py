"""What we log in with. Private keys are read once, and refused when others can read them, each refusal with the
command that mends it.
"""

import shlex
import stat
import threading
from dataclasses import dataclass
from functools import lru_cache

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.certificates import Certificate, load_certificate
from dthostmon.transport.failures import reason
from dthostmon.transport.file_state import FileState

MAX_KEY_BYTES = 64 * 1024
OTHERS_MODE = 0o077

_loading = (
    threading.Lock()
)  # hosts that start together parse their common key once: to decrypt it takes a third of a second


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a host is offered, in this order. `text` names it in errors, `public` is the file of its public half.

    `fingerprints` are those of the keys, as a host's own log shows them.
    """

    pairs: tuple[asyncssh.SSHKeyPair, ...]
    text: str
    fingerprints: tuple[str, ...]
    public: str | None
    certificate: Certificate


def load_identity(access: SshAccess) -> Identity:
    """Return the key of a host and its certificate. Blocks for as long as the decryption takes; raises VisitError
    (auth).
    """
    key = load_key(access)
    certificate = load_certificate(access, key.public_data)
    signed = certificate.certificate
    pairs = asyncssh.load_keypairs([(key, signed)] if signed else [key])
    fingerprint = key.get_fingerprint()
    text = f"the key {access.key} ({fingerprint})"
    return Identity(tuple(pairs), text, (fingerprint,), f"{access.key}.pub", certificate)


def load_key(access: SshAccess) -> asyncssh.SSHKey:
    """Return the private key of a host. Blocks for as long as the decryption takes; raises VisitError (auth)."""
    with _loading:
        key = _load(access)
    if isinstance(key, _Refusal):
        raise VisitError(ErrorKind.AUTH, key.message, key.fix)
    return key


def _load(access: SshAccess) -> asyncssh.SSHKey | _Refusal:
    try:
        file = FileState.of(access.key)
    except FileNotFoundError:
        bare = "" if access.passphrase else " -N ''"
        fix = f"Run `ssh-keygen -t ed25519 -f {access.key}{bare}`, or name another key as `ssh.key`."
        return _Refusal(f"The key {access.key} does not exist.", fix)
    except (OSError, RuntimeError) as exc:
        return _unreadable(access.key, exc)
    if not stat.S_ISREG(file.mode) or file.size > MAX_KEY_BYTES:
        return _Refusal(f"{file.path} is not a private key.", "Name a private key file as `ssh.key`.")
    if file.mode & OTHERS_MODE:
        mode = stat.S_IMODE(file.mode)
        return _Refusal(
            f"The key {file.path} can be read by others (mode {mode:04o}).", f"Run `chmod 600 {_quoted(file)}`."
        )
    return _parse(file, access.passphrase)


@lru_cache(maxsize=1024)
def _parse(file: FileState, passphrase: str) -> asyncssh.SSHKey | _Refusal:
    try:
        return asyncssh.import_private_key(file.path.read_bytes(), passphrase or None)
    except OSError as exc:
        return _unreadable(str(file.path), exc)
    except asyncssh.KeyEncryptionError:
        return _locked(file, passphrase)
    except asyncssh.KeyImportError as exc:
        if "assphrase" in str(exc):
            return _locked(file, passphrase)
        fix = f"Run `ssh-keygen -y -f {_quoted(file)}` to see what it is; `ssh-keygen -t ed25519` makes a good one."
        return _Refusal(f"The key {file.path} cannot be used: {reason(exc)}.", fix)


def _unreadable(key: str, exc: Exception) -> _Refusal:
    return _Refusal(
        f"The key {key} cannot be read: {reason(exc)}.", "Name a key as `ssh.key` that the user of dthostmon can read."
    )


def _locked(file: FileState, passphrase: str) -> _Refusal:
    because = "its passphrase is wrong" if passphrase else "it is encrypted and there is no passphrase"
    return _Refusal(
        f"The key {file.path} cannot be opened: {because}.", "Set `ssh.passphrase`, for example to ${SSH_PASSPHRASE}."
    )


def _quoted(file: FileState) -> str:
    return shlex.quote(str(file.path))
