"""Effective hosts: host over site over global. Lists replace, maps merge."""

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from dthostmon.config.document import KeyPath
from dthostmon.config.jump import SWITCHED_OFF, Hop, RouteError, parse_jump
from dthostmon.config.models import HostSettings, Overrides, Settings, SiteSettings
from dthostmon.config.sections import (
    CpuLevels,
    DiskLevels,
    HttpErrorLevels,
    Levels,
    MemoryLevels,
    Ssh,
    Sustain,
    Thresholds,
)
from dthostmon.model import AT_ONCE, MAX_JUMPS, ChangePolicy, Expectation, Host, Severity, SshAccess, TransportKind
from dthostmon.model import Learning as HostLearning
from dthostmon.model import Levels as HostLevels
from dthostmon.model import Sustain as HostSustain
from dthostmon.model import Thresholds as HostThresholds

_T = TypeVar("_T")
_Section = TypeVar("_Section", bound=BaseModel)

# Each key that a site or a host may set for itself, and the global key that it stands over.
INHERITED: Mapping[str, tuple[str, ...]] = {
    "user": ("ssh", "user"),
    "port": ("ssh", "port"),
    "key": ("ssh", "key"),
    "passphrase": ("ssh", "passphrase"),
    "known_hosts": ("ssh", "known_hosts"),
    "connect_timeout": ("ssh", "connect_timeout"),
    "retries": ("ssh", "retries"),
    "jump": ("ssh", "jump"),
    "certificate": ("ssh", "certificate"),
    "agent": ("ssh", "agent"),
    "config": ("ssh", "config"),
    "logs": ("logs",),
    "probes": ("probes",),
    "files": ("files",),
    "changes": ("changes",),
    "expect": ("expect",),
    "thresholds": ("thresholds",),
    "reports": ("reports",),
    "look_back": ("look_back",),
    "max_lag": ("max_lag",),
    "interval": ("monitoring", "interval"),
    "host_timeout": ("monitoring", "host_timeout"),
}

ALSO_IN_SSH_CONFIG = ("user", "port", "key", "certificate", "known_hosts", "jump")
SWITCH_OFF = "write 'jump: none' on it"


def layers(index: int, site: str | None, key: str, below: KeyPath = ()) -> tuple[KeyPath, KeyPath, KeyPath]:
    """Return the paths that may give a host an inherited key, the innermost first; `below` leads into a map."""
    return ("hosts", index, key, *below), ("sites", site or "", key, *below), (*INHERITED[key], *below)


def make_hosts(settings: Settings, environ: Mapping[str, str]) -> Iterator[Host | RouteError]:
    """Make each host with everything it inherits, in order; a RouteError where there is no way to it."""
    accesses = _Accesses(settings, environ)
    for own in settings.hosts:
        try:
            yield _make_host(settings, own, accesses)
        except RouteError as error:
            yield error


def _make_host(settings: Settings, own: HostSettings, accesses: "_Accesses") -> Host:
    site = _site(settings, own)
    monitoring = settings.monitoring
    return Host(
        name=own.name,
        transport=own.transport,
        ssh=accesses.routed(own) if own.transport is not TransportKind.LOCAL else None,
        site=own.site,
        tags=own.tags,
        logs=_innermost(own.logs, site.logs, settings.logs),
        probes=_innermost(own.probes, site.probes, settings.probes),
        thresholds=_host_thresholds(effective_thresholds(settings, site, own)),
        interval=_innermost(own.interval, site.interval, monitoring.interval),
        timeout=_innermost(own.host_timeout, site.host_timeout, monitoring.host_timeout),
        look_back=_innermost(own.look_back, site.look_back, settings.look_back),
        max_lag=_innermost(own.max_lag, site.max_lag, settings.max_lag),
        learning=HostLearning(settings.learning.period, settings.learning.runs),
        files=_innermost(own.files, site.files, settings.files),
        changes=_change_policy(settings, site, own),
        enabled=own.enabled,
    )


def _change_policy(settings: Settings, site: Overrides, own: Overrides) -> ChangePolicy:
    severities = {**settings.changes, **(site.changes or {}), **(own.changes or {})}
    expected = _innermost(own.expect, site.expect, settings.expect)
    return ChangePolicy(
        {id_: Severity[name] for id_, name in severities.items()},
        tuple(Expectation(one.kind, one.subject, one.why) for one in expected),
    )


def _site(settings: Settings, own: HostSettings) -> SiteSettings:
    return settings.sites[own.site] if own.site else SiteSettings()


class _Accesses:
    """How each host of one configuration is logged in to, and what it is reached through."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._hosts = {host.name: host for host in settings.hosts}

    def routed(self, own: HostSettings) -> SshAccess:
        """Return the access of a host with its jumps. Raises RouteError."""
        access = self._direct(own)
        jump = self._jumps(own, access, ())
        if (access.hostname, access.port) in {(hop.hostname, hop.port) for hop in jump}:
            raise RouteError(own.name, f"the host {own.name} would be reached through itself; {SWITCH_OFF}")
        if len(jump) > MAX_JUMPS:
            raise RouteError(own.name, f"the host {own.name} is behind {len(jump)} hosts; {MAX_JUMPS} are the most")
        return replace(access, jump=jump)

    def _jumps(self, own: HostSettings, access: SshAccess, inner: tuple[str, ...]) -> tuple[SshAccess, ...]:
        """Return the accesses of what a host is reached through.

        The first of them may be a host with jumps of its own, which then come before it; those of the others do not
        count, as with ssh: the one before them is how they are reached.
        """
        if own.name in inner:
            raise RouteError(own.name, f"the host {own.name} would be reached through itself; {SWITCH_OFF}")
        hops = self._hops(own)
        jumps = tuple(self._hop(hop, access) for hop in hops)
        first = self._hosts.get(hops[0].host) if hops else None
        return (*(self._jumps(first, jumps[0], (*inner, own.name)) if first else ()), *jumps)

    def _hops(self, own: HostSettings) -> tuple[Hop, ...]:
        hops = parse_jump(_innermost(own.jump, _site(self._settings, own).jump, self._settings.ssh.jump))
        for hop in hops:
            named = self._hosts.get(hop.host)
            if named and named.transport is TransportKind.LOCAL:
                raise RouteError(own.name, f"the host {named.name} is this machine; name one with transport ssh")
        return hops

    def _hop(self, hop: Hop, access: SshAccess) -> SshAccess:
        """Complete an element: with the settings of the host that it names, or else with those of the host behind."""
        named = self._hosts.get(hop.host)
        base = self._direct(named) if named else replace(access, hostname=hop.host, port=self._settings.ssh.port)
        said = {name: value for name in ("user", "port") if (value := getattr(hop, name)) is not None}
        explicit = frozenset(said) | (base.explicit if named else frozenset())
        return replace(base, **said, retries=(), explicit=explicit if base.config else frozenset())

    def _direct(self, own: HostSettings) -> SshAccess:
        """Return the access of a host without its jumps."""
        ssh, site = self._settings.ssh, _site(self._settings, own)
        config = _innermost(own.config, site.config, ssh.config)
        return SshAccess(
            hostname=own.hostname or own.name,
            port=_innermost(own.port, site.port, ssh.port),
            user=_innermost(own.user, site.user, ssh.user),
            key=self._path(_innermost(own.key, site.key, ssh.key)),
            passphrase=_innermost(own.passphrase, site.passphrase, ssh.passphrase).get_secret_value(),
            known_hosts=self._path(_innermost(own.known_hosts, site.known_hosts, ssh.known_hosts)),
            connect_timeout=_innermost(own.connect_timeout, site.connect_timeout, ssh.connect_timeout),
            retries=_innermost(own.retries, site.retries, ssh.retries),
            certificate=self._optional_path(_certificate(own, site, ssh)),
            agent=self._environ.get("SSH_AUTH_SOCK", "") if _innermost(own.agent, site.agent, ssh.agent) else None,
            config=self._optional_path(None if config == SWITCHED_OFF else config),
            explicit=_explicit(own, site) if config not in (None, SWITCHED_OFF) else frozenset(),
        )

    def _path(self, path: str) -> str:
        return expand_home(path, self._environ)

    def _optional_path(self, path: str | None) -> str | None:
        return None if path is None else self._path(path)


def _explicit(own: Overrides, site: Overrides) -> frozenset[str]:
    """Return the keys that stand over an ssh_config: those that a host or its site sets."""
    return frozenset(name for layer in (own, site) for name in ALSO_IN_SSH_CONFIG if getattr(layer, name) is not None)


def _certificate(own: Overrides, site: Overrides, ssh: Ssh) -> str | None:
    """Return the certificate of the innermost key: one that is set further out was made for another key."""
    for layer in (own, site, ssh):
        if layer.certificate is not None or layer.key is not None:
            return layer.certificate
    return None


def _innermost(own: _T | None, site: _T | None, overall: _T) -> _T:
    if own is not None:
        return own
    return site if site is not None else overall


def effective_thresholds(settings: Settings, site: Overrides, own: Overrides) -> Thresholds:
    """Merge thresholds key by key; a level that is set to null is switched off."""
    return _overlay(_overlay(settings.thresholds, site.thresholds), own.thresholds)


def _overlay(base: _Section, over: _Section | None) -> _Section:
    names = over.model_fields_set if over else ()
    return base.model_copy(update={name: _laid_over(getattr(base, name), getattr(over, name)) for name in names})


def _laid_over(below: object, value: object) -> object:
    if isinstance(value, BaseModel) and isinstance(below, BaseModel):
        return _overlay(below, value)
    if isinstance(value, Mapping) and isinstance(below, Mapping):
        return {**below, **{key: _laid_over(below.get(key), one) for key, one in value.items()}}
    return value


def levels_of_mounts(disk: DiskLevels) -> Mapping[str, Levels]:
    """Return the levels of each mount that has its own: what it leaves out is that of all disks."""
    return {mount: _overlay(Levels(**_levels(disk)), own) for mount, own in disk.mounts.items()}


def _levels(levels: Levels) -> dict[str, float | None]:
    return {"info": levels.info, "warn": levels.warn, "critical": levels.critical}


def _host_thresholds(thresholds: Thresholds) -> HostThresholds:
    return HostThresholds(
        cpu=_host_levels(thresholds.cpu),
        memory=_host_levels(thresholds.memory),
        disk=_host_levels(thresholds.disk),
        failed_logins=thresholds.failed_logins,
        http_errors=_host_levels(thresholds.http_errors),
        mounts={
            mount: HostLevels(**_levels(levels), sustain=_host_sustain(thresholds.disk.sustain))
            for mount, levels in levels_of_mounts(thresholds.disk).items()
        },
    )


def _host_levels(levels: CpuLevels | MemoryLevels | DiskLevels | HttpErrorLevels) -> HostLevels:
    sustain = AT_ONCE if isinstance(levels, HttpErrorLevels) else _host_sustain(levels.sustain)
    return HostLevels(**_levels(levels), sustain=sustain)


def _host_sustain(sustain: Sustain) -> HostSustain:
    return HostSustain(sustain.cycles, sustain.of)


def expand_home(path: str, environ: Mapping[str, str]) -> str:
    """Expand a leading `~` with the given environment's HOME, `~user` with the system's list of users."""
    home = environ.get("HOME")
    if home and (path == "~" or path.startswith("~/")):
        return home.rstrip("/") + path[1:]
    return os.path.expanduser(path)  # noqa: PTH111  # Path.expanduser raises where there is no such user
