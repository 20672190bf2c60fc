"""Effective hosts: host over site over global. Lists replace, maps merge."""

import os.path
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from dthostmon.config.document import KeyPath
from dthostmon.config.models import HostSettings, Overrides, Settings, SiteSettings
from dthostmon.config.sections import Levels, Thresholds
from dthostmon.model import Host, SshAccess, TransportKind
from dthostmon.model import Levels as HostLevels
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
    "logs": ("logs",),
    "probes": ("probes",),
    "files": ("files",),
    "thresholds": ("thresholds",),
    "reports": ("reports",),
    "look_back": ("look_back",),
    "max_lag": ("max_lag",),
    "interval": ("monitoring", "interval"),
    "host_timeout": ("monitoring", "host_timeout"),
}


def layers(index: int, site: str | None, key: str, below: KeyPath = ()) -> tuple[KeyPath, KeyPath, KeyPath]:
    """Return the paths that may give a host an inherited key, the innermost first; `below` leads into a map."""
    return ("hosts", index, key, *below), ("sites", site or "", key, *below), (*INHERITED[key], *below)


def make_host(settings: Settings, own: HostSettings, environ: Mapping[str, str]) -> Host:
    """Make one host with everything it inherits."""
    site = settings.sites[own.site] if own.site else SiteSettings()
    monitoring = settings.monitoring
    return Host(
        name=own.name,
        transport=own.transport,
        ssh=_make_access(settings, site, own, environ) if own.transport is not TransportKind.LOCAL else None,
        site=own.site,
        tags=own.tags,
        logs=_innermost(own.logs, site.logs, settings.logs),
        probes=_innermost(own.probes, site.probes, settings.probes),
        thresholds=_host_thresholds(effective_thresholds(settings, site, own)),
        interval=_innermost(own.interval, site.interval, monitoring.interval),
        timeout=_innermost(own.host_timeout, site.host_timeout, monitoring.host_timeout),
        look_back=_innermost(own.look_back, site.look_back, settings.look_back),
        max_lag=_innermost(own.max_lag, site.max_lag, settings.max_lag),
        enabled=own.enabled,
    )


def _make_access(settings: Settings, site: Overrides, own: HostSettings, environ: Mapping[str, str]) -> SshAccess:
    ssh = settings.ssh
    return SshAccess(
        hostname=own.hostname or own.name,
        port=_innermost(own.port, site.port, ssh.port),
        user=_innermost(own.user, site.user, ssh.user),
        key=expand_home(_innermost(own.key, site.key, ssh.key), environ),
        passphrase=_innermost(own.passphrase, site.passphrase, ssh.passphrase).get_secret_value(),
        known_hosts=expand_home(_innermost(own.known_hosts, site.known_hosts, ssh.known_hosts), environ),
        connect_timeout=_innermost(own.connect_timeout, site.connect_timeout, ssh.connect_timeout),
        retries=_innermost(own.retries, site.retries, ssh.retries),
    )


def _innermost(own: _T | None, site: _T | None, overall: _T) -> _T:
    if own is not None:
        return own
    return site if site is not None else overall


def effective_thresholds(settings: Settings, site: Overrides, own: Overrides) -> Thresholds:
    """Merge thresholds key by key; a level that is set to null is switched off."""
    return _overlay(_overlay(settings.thresholds, site.thresholds), own.thresholds)


def _overlay(base: _Section, over: _Section | None) -> _Section:
    update = {}
    for name in over.model_fields_set if over else ():
        below, value = getattr(base, name), getattr(over, name)
        update[name] = _overlay(below, value) if isinstance(value, BaseModel) else value
    return base.model_copy(update=update)


def _host_thresholds(thresholds: Thresholds) -> HostThresholds:
    return HostThresholds(
        cpu=_host_levels(thresholds.cpu),
        memory=_host_levels(thresholds.memory),
        disk=_host_levels(thresholds.disk),
        failed_logins=thresholds.failed_logins,
    )


def _host_levels(levels: Levels) -> HostLevels:
    return HostLevels(levels.info, levels.warn, levels.critical)


def expand_home(path: str, environ: Mapping[str, str]) -> str:
    """Expand a leading `~` with the given environment's HOME, `~user` with the system's list of users."""
    home = environ.get("HOME")
    if home and (path == "~" or path.startswith("~/")):
        return home.rstrip("/") + path[1:]
    return os.path.expanduser(path)  # noqa: PTH111  # Path.expanduser raises where there is no such user
