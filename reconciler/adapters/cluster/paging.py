"""Lists, page by page."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection

PAGE_SIZE: Final = 500


def pages(
    connection: Connection,
    path: str,
    query: Mapping[str, str],
    *,
    accept: str = "application/json",
) -> Iterator[Mapping[str, Any]]:
    """Yield the pages of a list, each with its ``items`` and the ``metadata`` of the list.

    Raises:
        ExpiredError: the list took longer than the API server remembers it: begin it anew.
        ClusterError, AccessDeniedError: the API server failed, or we may not.
    """
    following = ""
    while True:
        asked = {
            **query,
            "limit": str(PAGE_SIZE),
            **({"continue": following} if following else {}),
        }
        page = connection.request("GET", path, query=asked, accept=accept).body
        yield page
        following = str((page.get("metadata") or {}).get("continue") or "")
        if not following:
            return
