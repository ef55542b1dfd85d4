"""By which proxy a host is asked: what the environment says, as Go and curl read it.

The rules of ``NO_PROXY`` are those of Go's ``golang.org/x/net/http/httpproxy``, because what else
runs in a cluster was told by them: Python's own know neither networks nor ports of addresses.
``ALL_PROXY`` is curl's: what is used where the scheme has none of its own.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.http.hosts import is_loopback_name

PORTS: Final = {"http": 80, "https": 443}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """Return the URL of the proxy to ask by; empty: none. Loopback is never asked by one.

    Args:
        url: what is to be asked.
        environment: the process's variables; those in lower case beat the others.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    port = parts.port or PORTS.get(parts.scheme, 0)
    if is_loopback_name(host) or _is_excepted(host, port, _variable("no_proxy", environment)):
        return ""
    proxy = _variable(f"{parts.scheme}_proxy", environment) or _variable("all_proxy", environment)
    return f"http://{proxy}" if proxy and not _SCHEME.match(proxy) else proxy


def _variable(name: str, environment: Mapping[str, str]) -> str:
    # A CGI server puts a request's "Proxy:" header into HTTP_PROXY (httpoxy, CVE-2016-5385)
    is_forged = name == "http_proxy" and "REQUEST_METHOD" in environment
    upper = "" if is_forged else environment.get(name.upper(), "")
    return (environment.get(name) or upper).strip()


def _is_excepted(host: str, port: int, no_proxy: str) -> bool:
    return any(_covers(entry, host, port) for entry in re.split(r"[\s,]+", no_proxy.lower()))


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether one entry of ``NO_PROXY`` excepts a host.

    ``*``: all; ``10.0.0.0/8``: addresses of that network; ``example.com``: it and all below it;
    ``.example.com``, ``*.example.com``: what is below it; each with ``:PORT``: that port alone.
    """
    if entry in ("", "*"):
        return entry == "*"
    address = _address(host)
    if "/" in entry:
        network = _network(entry)
        return network is not None and address is not None and address in network
    name, wanted = _split_port(entry)
    if wanted and int(wanted) != port:
        return False
    listed = _address(name)
    if listed is not None or address is not None:
        return listed == address
    suffix = name.removeprefix("*").removesuffix(".")
    if suffix.startswith("."):
        return host.endswith(suffix)
    return host == suffix or host.endswith(f".{suffix}")


def _split_port(entry: str) -> tuple[str, str]:
    """Return the name or address of an entry and its port, empty if it has none."""
    found = re.fullmatch(r"\[([^\]]*)\](?::([0-9]{1,5}))?|([^:]*):([0-9]{1,5})", entry)
    if found is None:
        return entry, ""
    return (found[1] or found[3] or ""), (found[2] or found[4] or "")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
