"""Origin: where an image comes from, as its labels have it, and what to read of a change.

OCI image-spec 1.1, "Pre-Defined Annotation Keys". Whoever builds an image writes them, so they are
taken for what they are: texts of strangers, of which only a plain ``https`` address goes on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "org.opencontainers.image."
MAX_URL = 300  # characters, of a label; the links that are made of two are longer by a revision
MAX_WORD = 128

_URL = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?"
    r"(?P<path>(?:/[\w.~!$&'()*+,;=:@%-]*)*)(?:\?[\w.~!$&'()*+,;=:@%/?-]*)?(?:#[\w.~!$&'()*+,;=:@%/?-]*)?",
    re.ASCII | re.IGNORECASE,
)
_WORD = re.compile(r"[\w.+/-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_IN_A_FOLDER = re.compile(r"(?:/\w[\w.~-]*){2}", re.ASCII)
_IN_FOLDERS = re.compile(r"(?:/\w[\w.~-]*){2,}", re.ASCII)
_FORGES = (
    ("github", _IN_A_FOLDER, "/compare/"),
    ("gitlab", _IN_FOLDERS, "/-/compare/"),
    ("gitea", _IN_A_FOLDER, "/compare/"),
    ("forgejo", _IN_A_FOLDER, "/compare/"),
    ("codeberg", _IN_A_FOLDER, "/compare/"),
)
"""A word in the name of a forge's host, how it names repositories, and what compares commits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image comes from; what its labels do not say, or not plainly, is empty.

    Attributes:
        source: address of the source code.
        revision: of the source code.
        url: where to read about the image.
        version: of what is packed in it.
        documentation: address of its documentation.
    """

    source: str = ""
    revision: str = ""
    url: str = ""
    version: str = ""
    documentation: str = ""


NO_ORIGIN = Origin()


def origin_of(labels: Mapping[str, object]) -> Origin:
    """Return what the labels of an image say of where it comes from."""

    def take(name: str, pattern: re.Pattern[str], most: int) -> str:
        text = labels.get(f"{PREFIX}{name}")
        is_fit = isinstance(text, str) and len(text) <= most and pattern.fullmatch(text)
        return str(text) if is_fit else ""

    return Origin(
        source=take("source", _URL, MAX_URL),
        revision=take("revision", _WORD, MAX_WORD),
        url=take("url", _URL, MAX_URL),
        version=take("version", _WORD, MAX_WORD),
        documentation=take("documentation", _URL, MAX_URL),
    )


def link_between(old: Origin | None, new: Origin | None) -> str:
    """Return an address where a person reads what a new image brings; empty if there is none.

    The comparison of both commits, where the source is at a forge that has one; else what the new
    image names: its page, its source, its documentation.
    """
    if new is None:
        return ""
    return _comparison(old, new) or new.url or new.source or new.documentation


def _comparison(old: Origin | None, new: Origin) -> str:
    if old is None or old.revision == new.revision:
        return ""
    commits = [each.revision for each in (old, new)]
    page = _compare_page(new.source)
    if not page or page != _compare_page(old.source) or not all(map(_COMMIT.fullmatch, commits)):
        return ""
    return f"{page}{commits[0]}...{commits[1]}"


def _compare_page(source: str) -> str:
    """Return what stands before two commits that are compared; empty if nobody knows."""
    address = source.rstrip("/").removesuffix(".git")
    found = _URL.fullmatch(address)
    if found is None or not address.endswith(found["path"]):
        return ""
    host = found["host"].lower()
    fit = (end for word, path, end in _FORGES if word in host and path.fullmatch(found["path"]))
    end = next(fit, "")
    return f"{address}{end}" if end else ""
