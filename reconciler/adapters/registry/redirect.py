"""Follows redirects: no further than a given rule permits, and not for ever."""

from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

from reconciler.adapters.registry.failures import lied
from reconciler.adapters.registry.transport import Response

MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OF_URLS: Final = "!#$%&'()*+,/:;=?@[]"
"""What may stand in a URL (RFC 3986), and ``%`` for what is escaped."""

MayGo: TypeAlias = Callable[[str], bool]
"""Whether a URL on another host than the one that redirects there may be asked."""


def followed(
    send: Callable[[str], Response],
    url: str,
    *,
    may_go: MayGo = lambda _: False,
    who: str = "the registry",
) -> Response:
    """Return the answer at the end of the redirects.

    Args:
        send: asks a URL.
        url: the one to begin with.
        may_go: which other hosts may be asked; none, where credentials go along.
        who: redirects, for messages.

    Raises:
        RegistryError: there are too many, or one that is not to be followed.
    """
    for _ in range(MAX_REDIRECTS + 1):
        answer = send(url)
        if answer.status not in _REDIRECTS:
            return answer
        url = _target_of(answer, may_go, who)
    raise lied(url, f"redirects more than {MAX_REDIRECTS} times", who)


def _target_of(answer: Response, may_go: MayGo, who: str) -> str:
    location = answer.headers.get("Location", "")
    try:
        target = quote(urljoin(answer.url, location), safe=_OF_URLS)
        here, there = urlsplit(answer.url), urlsplit(target)
        stays = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    except ValueError:
        target, is_followed = location, False
    else:
        is_followed = target != answer.url and (stays or may_go(target))
    if not is_followed:
        shown = target.partition("?")[0][:200]  # a query may hold a signature
        raise lied(answer.url, f"redirects to {shown!r}, which is not followed", who)
    return target
