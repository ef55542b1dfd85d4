"""Where a redirect leads: only within its own host."""

from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from reconciler.adapters.registry.failures import lied
from reconciler.adapters.registry.transport import Response

MAX_REDIRECTS: Final = 3
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OF_URLS: Final = "!#$%&'()*+,/:;=?@[]"
"""What may stand in a URL (RFC 3986), and ``%`` for what is escaped."""


def target_of(answer: Response, who: str = "the registry") -> str:
    """Return where a redirect leads. Nothing but its own host serves a registry's tags.

    Credentials are thereby never sent to a host that they are not for.

    Args:
        answer: the redirect.
        who: gave it, for messages.

    Raises:
        RegistryError: it leads elsewhere, or nowhere.
    """
    location = answer.headers.get("Location", "")
    try:
        target = urljoin(answer.url, location)
        here, there = urlsplit(answer.url), urlsplit(target)
        stays = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    except ValueError:
        target, stays = location, False
    if not stays or target == answer.url:
        message = f"redirects to {target[:200]!r}, which is not followed"
        raise lied(without_query(answer.url), message, who)
    return quote(target, safe=_OF_URLS)


def without_query(url: str) -> str:
    """Return a URL up to its path, for messages."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
