"""The proxy that the environment names.

The session itself does not trust the environment: that would also send the passwords of a .netrc to whoever the
configuration names. So the proxy is looked up here, once per provider. This machine is never reached over one, whatever
NO_PROXY says: what is asked of a local model is not meant to leave.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and the headers that it asks for."""

    url: str
    headers: Mapping[str, str]


def environment_proxy(url: str) -> Proxy | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for an address; None = none."""
    try:
        target = urlsplit(url)
        host = target.hostname or ""
        if not host or _is_here(host) or proxy_bypass(host):
            return None
        named = getproxies().get(target.scheme)
        return _make_proxy(named) if named else None
    except ValueError:  # an address that is none: the request says so
        return None


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _make_proxy(named: str) -> Proxy:
    parts = urlsplit(named if "://" in named else f"http://{named}")
    place = parts.netloc.rpartition("@")[2]
    address = urlunsplit((parts.scheme, place, "", "", ""))
    if parts.username is None:
        return Proxy(address, {})
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(address, {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
