"""One attempt to log in: what it needs, and each way in which it fails as the VisitError that says how to mend it."""

import base64
import shlex
from dataclasses import dataclass

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.failures import reason
from dthostmon.transport.keys import Identity
from dthostmon.transport.known_hosts import DEFAULT_PORT, KnownHosts, known_name
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS

BANNER = "its SSH banner"


class KeyRefusedError(VisitError):
    """The host was asked and refused what we log in with: to authorize the key there can mend it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(ErrorKind.AUTH, message, fix)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How to reach a host, what we log in with, the host keys we trust. `where` names the host in errors.

    `reads_only`: our key shall give no shell there, so no advice may hand out one.
    """

    access: SshAccess
    identity: Identity
    known_hosts: KnownHosts
    where: str
    reads_only: bool = False

    def late(self, awaited: str) -> VisitError:
        """The host stopped answering."""
        message = f"{self.where}: waited {self.access.connect_timeout:g} s for {awaited}."
        return VisitError(ErrorKind.TIMEOUT, message, "Check the load of the host, and `UseDNS no` in its sshd_config.")

    def of(self, exc: Exception, awaited: str, offered: asyncssh.SSHKey | None) -> VisitError:
        """Say what an exception means. `awaited` was still to come, `offered` is a host key that was not trusted."""
        if isinstance(exc, asyncssh.HostKeyNotVerifiable):
            return self._untrusted(offered, exc)
        if isinstance(exc, asyncssh.PermissionDenied) or "authentication failures" in str(exc):
            return self._key_refused()
        if isinstance(exc, asyncssh.ConnectionLost | ConnectionError):
            message = f"{self.where}: the host hung up before {awaited}, as one with too many logins at once does."
            return VisitError(ErrorKind.OVERLOADED, message, self._hang_up_fix(awaited))
        fix = f"Run `ssh -v {self._options}{self._target}` to see more."
        return VisitError(ErrorKind.PROTOCOL, f"{self.where}: no SSH connection ({reason(exc)}).", fix)

    def _hang_up_fix(self, awaited: str) -> str:
        fix = "If it stays so, raise `MaxStartups` in the host's sshd_config"
        if awaited != BANNER:
            return f"{fix}."
        return f"{fix}, or it is not SSH that listens on port {self.access.port}: `port` says where it does."

    def _key_refused(self) -> VisitError:
        certificate = self.identity.certificate
        signed = f" with its certificate {certificate.path}" if certificate.certificate else ""
        message = f"{self.where}: the host refused {self.identity.text}{signed} for {self.access.user}."
        if certificate.problem:
            message += f" {certificate.problem.message}"
            return KeyRefusedError(message, certificate.problem.fix)
        if certificate.certificate:
            fix = (
                f"Check that sshd trusts its authority (`TrustedUserCAKeys`), and that `ssh-keygen -Lf"
                f" {shlex.quote(certificate.path)}` lists {self.access.user} among the principals."
            )
            return KeyRefusedError(message, fix)
        return KeyRefusedError(message, self._authorize)

    @property
    def _authorize(self) -> str:
        """What lets our key in, and no further than it shall come."""
        if self.reads_only:
            return f"Add this line to ~{self.access.user}/.ssh/authorized_keys there: {self._read_only_line}"
        file = f"-i {self.identity.public} " if self.identity.public else ""
        return f"Run `ssh-copy-id {file}{self._options}{self._target}`."

    @property
    def _read_only_line(self) -> str:
        key = self.identity.pairs[0]
        public = base64.b64encode(key.key_public_data).decode("ascii")
        return f"{READ_ONLY_KEY_OPTIONS} {key.key_algorithm.decode('ascii')} {public} dthostmon"

    def _untrusted(self, offered: asyncssh.SSHKey | None, exc: Exception) -> VisitError:
        known = self.known_hosts.keys(self.access)
        if known or offered is None:
            return self._changed(known, offered, exc)
        because = self.known_hosts.problem or f"{self.access.known_hosts} does not name it"
        message = f"{self.where}: the host key {offered.get_fingerprint()} is unknown: {because}."
        fix = f"{_comparison(offered)}; if they are the same, run {self._scan}."
        return VisitError(ErrorKind.HOST_KEY_UNKNOWN, message, fix)

    def _changed(
        self, known: tuple[asyncssh.SSHKey, ...], offered: asyncssh.SSHKey | None, exc: Exception
    ) -> VisitError:
        expected = " or ".join(key.get_fingerprint() for key in known) or "a trusted key"
        seen = offered.get_fingerprint() if offered else f"one that cannot be trusted ({reason(exc)})"
        message = (
            f"{self.where}: THE HOST KEY CHANGED, somebody may be in between: expected {expected}, offered {seen}."
        )
        forget = f"`ssh-keygen -R {shlex.quote(known_name(self.access))} -f {self.access.known_hosts}`"
        fix = f"{_comparison(offered)}; only if they are the same, run {forget} and {self._scan}."
        return VisitError(ErrorKind.HOST_KEY_CHANGED, message, fix)

    @property
    def _scan(self) -> str:
        """The command that adds the key of the host: from here, or by a login where only a bastion reaches it."""
        host, file = shlex.quote(self.access.hostname), self.access.known_hosts
        if self.access.jump:
            return f"`ssh {self._login_options(file)}{self._target} exit` and accept that key"
        scan = f"ssh-keyscan -p {self.access.port} {host}"
        if self.access.host_key_alias:
            scan += f" | sed {shlex.quote(f's/^[^ ]*/{self.access.host_key_alias}/')}"
        return f"`{scan} >> {file}`"

    def _login_options(self, file: str) -> str:
        """What ssh has to be told to log in behind a jump host as we do, and to write the host key into our file."""
        options = ["-J", shlex.quote(_route(self.access)), "-o", f"UserKnownHostsFile={shlex.quote(file)}"]
        if self.access.agent is None:
            options = ["-i", shlex.quote(self.access.key), *options]
        if self.access.host_key_alias:
            options += ["-o", f"HostKeyAlias={shlex.quote(self.access.host_key_alias)}"]
        if self.access.port != DEFAULT_PORT:
            options += ["-p", str(self.access.port)]
        return "".join(f"{option} " for option in options)

    @property
    def _options(self) -> str:
        """What ssh has to be told besides the target: the hosts in between, and a port of its own."""
        through = f"-o ProxyJump={shlex.quote(_route(self.access))} " if self.access.jump else ""
        return through if self.access.port == DEFAULT_PORT else f"{through}-p {self.access.port} "

    @property
    def _target(self) -> str:
        return shlex.quote(f"{self.access.user}@{self.access.hostname}")


def _route(access: SshAccess) -> str:
    return ",".join(hop_target(hop) for hop in access.jump)


def hop_target(hop: SshAccess) -> str:
    """Return a host to connect through as ProxyJump writes it."""
    host = f"[{hop.hostname}]" if ":" in hop.hostname else hop.hostname
    return f"{hop.user}@{host}" if hop.port == DEFAULT_PORT else f"{hop.user}@{host}:{hop.port}"


def _comparison(offered: asyncssh.SSHKey | None) -> str:
    name = offered.get_algorithm() if offered else "ssh-ed25519"
    kind = "ecdsa" if name.startswith("ecdsa") else name.removeprefix("ssh-")
    return f"Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` on the host"
