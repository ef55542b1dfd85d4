"""Hosts by name or address: which of them are this very machine."""

import ipaddress
import socket


def is_loopback_name(host: str) -> bool:
    """Whether a host name or literal address is this very machine."""
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a literal address, in any spelling that the resolver takes: ``0x7f.1``, ``127.1``."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host.removesuffix(".")))
        except (OSError, ValueError):  # a name; a ValueError is one with a NUL in it
            return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
