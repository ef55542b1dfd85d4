"""What is asked of a registry, whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
FORM: Final[Mapping[str, str]] = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request without credentials.

    Attributes:
        url: what for.
        method: ``GET``, or ``HEAD`` where the headers of the answer suffice.
        accept: the media types that we can read; empty: any.
        max_body_bytes: a larger answer is none.
    """

    url: str
    method: str = "GET"
    accept: str = ""
    max_body_bytes: int = MAX_BODY_BYTES

    def at(self, url: str) -> "Request":
        """Return the same request for another URL."""
        return replace(self, url=url)

    @property
    def headers(self) -> dict[str, str]:
        """Its headers."""
        return {"Accept": self.accept} if self.accept else {}


def without_query(url: str) -> str:
    """Return a URL up to its path, for messages: a query may hold a signature."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
