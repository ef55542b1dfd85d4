"""Whether we go where a registry sends us: to its token ``realm``, by a redirect to another host.

The registry is not believed blindly. Whoever answers in its name could otherwise make us send its
password in plain text, or make us ask machines that only we can reach (a cloud's metadata service
at 169.254.169.254). Names are not resolved here: what is not a literal address must prove itself by
a certificate.
"""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.adapters.http.hosts import address_of, is_loopback_name
from reconciler.errors import RegistryError

MAX_REALM: Final = 2048
MAX_REDIRECT: Final = 8192  # signed URLs of object stores take two thousand characters
_URL: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
"""What every reader of URLs takes for the same host: ``https://10.0.0.1\\.example/`` has two."""


def check_realm(realm: str, *, registry: str, insecure_hosts: frozenset[str]) -> str:
    """Return the realm if it may be asked.

    Args:
        realm: a URL, as the challenge has it.
        registry: the URL that was answered with the challenge.
        insecure_hosts: ``HOST[:PORT]`` that may be spoken to in plain HTTP.

    Raises:
        RegistryError: it may not; not worth another try.
    """
    problem = _problem(realm, registry, insecure_hosts, longest=MAX_REALM)
    if problem:
        message = f"its token realm {realm[:200]!r} {problem}"
        raise RegistryError(message, where=registry, is_retryable=False)
    return realm


def may_be_asked(url: str, *, registry: str, insecure_hosts: frozenset[str]) -> bool:
    """Whether a registry may redirect to a URL on another host, under the rules for realms.

    Args:
        url: where it leads.
        registry: the URL that was asked at first.
        insecure_hosts: ``HOST[:PORT]`` that may be spoken to in plain HTTP.
    """
    return not _problem(url, registry, insecure_hosts, longest=MAX_REDIRECT)


def _problem(url: str, registry: str, insecure_hosts: frozenset[str], *, longest: int) -> str:
    """Return what is wrong with a URL; nothing if it may be asked."""
    asked, here = _parts(url, longest), _parts(registry, longest)
    if asked is None or here is None:
        return "is no URL"
    if asked.username is not None:
        return "has a user name in it"
    host, own = asked.hostname or "", here.hostname or ""
    is_near = host == own or (is_loopback_name(host) and is_loopback_name(own))
    is_permitted = asked.netloc in insecure_hosts
    may_be_plain = here.scheme == "http" and (is_near or is_permitted)
    if asked.scheme not in ("https", "http"):
        return "is neither https nor http"
    if asked.scheme == "http" and not may_be_plain:
        return "is plain HTTP, which only a registry of plain HTTP may ask for, on its own host"
    if is_internal(host) and not (is_near or is_permitted):
        return "is an address inside a network"
    return ""


def _parts(url: str, longest: int) -> SplitResult | None:
    """Return the parts of a URL that names a host, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    is_plain = _URL.fullmatch(url) and _HOST.fullmatch(host) and len(url) <= longest
    return parts if is_plain and port != 0 else None


def is_internal(host: str) -> bool:
    """Whether a host is this machine or a literal address that is not of the public internet."""
    if is_loopback_name(host):
        return True
    address = address_of(host)
    return address is not None and not address.is_global
