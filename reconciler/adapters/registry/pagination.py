"""Where the next page of a tag list is.

OCI distribution-spec 1.1, "Listing Tags": the ``Link`` header is RFC 5988's, with ``rel="next"``.
Its cursor is opaque: it is followed as given.
"""

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from reconciler.errors import RegistryError

MAX_HEADER = 8192
_OF_QUERIES = "!$%&'()*+,/:;=?@[]"
"""What may stand in a query (RFC 3986), and ``%`` for what is escaped."""

_LINK = re.compile(r"[ \t,]*<([^<>]*)>((?:[ \t]*;[ \t]*[^;,<>]*)*)")
_RELATIONS = re.compile(r";[ \t]*rel[ \t]*=[ \t]*\"?([^\";,]*)", re.IGNORECASE)


def next_link(header: str) -> str | None:
    """Return the target of the ``rel="next"`` link of a header value, or None. In linear time."""
    position = 0
    while len(header) <= MAX_HEADER and (link := _LINK.match(header, position)):
        position = link.end()
        relations = (word for each in _RELATIONS.findall(link[2]) for word in each.split())
        if "next" in map(str.lower, relations):
            return link[1].strip()
    return None


def next_page(link: str, *, asked: str) -> str:
    """Return the URL of the next page.

    Some registries link to a path that they do not serve (Artifactory drops the repository's
    prefix, Nexus adds one), and behind a proxy to plain HTTP: of a link on the same host only the
    query is taken.

    Args:
        link: as given, relative or absolute.
        asked: the URL that was answered with it.

    Raises:
        RegistryError: the link leads to another host, or to the very same page.
    """
    here = urlsplit(asked)
    try:
        there = urlsplit(urljoin(asked, link))
    except ValueError as error:
        raise _refused("is no URL", link, asked) from error
    if there.netloc != here.netloc:
        raise _refused("leads to another host", link, asked)
    query = quote(there.query, safe=_OF_QUERIES)
    page = SplitResult(here.scheme, here.netloc, here.path, query, "").geturl()
    if page == asked:
        raise _refused("leads to the same page", link, asked)
    return page


def _refused(why: str, link: str, asked: str) -> RegistryError:
    return RegistryError(
        f"its next-page link {why}: {link[:200]!r}", where=asked, is_retryable=False
    )
