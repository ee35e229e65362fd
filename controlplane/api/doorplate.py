"""The names under which the server may be called, so that no web page can steer it."""

import ipaddress
import socket
from urllib.parse import urlsplit

from controlplane.api.refusals import Forbidden
from controlplane.settings import LOOPBACK, Settings


class Doorplate:
    """The names under which the server may be called, so that no web page can steer it.

    A page that rebinds its own name to this machine sends that name as `Host`; an address in
    figures cannot be rebound, so any is welcome where the server listens on all of them.
    """

    def __init__(self, settings: Settings) -> None:
        wildcard = settings.host in {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
        names = {*LOOPBACK, settings.host, *settings.hosts}
        if wildcard:
            names |= {socket.gethostname(), socket.getfqdn()}
        self._names = frozenset(name.lower() for name in names)
        self._any_address = wildcard

    def check(self, host: str | None, origin: str | None) -> None:
        """Raise Forbidden unless `Host` is ours and `Origin`, if sent, is the same."""
        name = _host_name(host or "")
        if not self._is_ours(name):
            message = (
                f"the server was called as {name[:100]!r}, which is not one of its names; "
                "further names stand under `hosts` in leeboard.yaml"
            )
            raise Forbidden(message)
        if origin is not None and _host_of_origin(origin) != (host or "").lower():
            raise Forbidden(f"a page of {origin[:100]!r} may not use this server")

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        return self._any_address and _is_address(name)


def _host_name(host: str) -> str:
    """A `Host` header without its port and an IPv6 address's brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _host_of_origin(origin: str) -> str | None:
    """An origin's host and port; None where it has none, as `null`."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
