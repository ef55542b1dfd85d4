"""Listings: all tags of a repository, kept small.

A text in Python takes fifty bytes beside its own, and a scan keeps the tags of all repositories
until it ends: here they are one text, which is taken apart when it is looked through.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

_END = "\n"  # no tag holds one


@dataclass(frozen=True, slots=True)
class Listing(Collection[str]):
    """The tags of a repository, in the registry's order.

    Attributes:
        text: the tags, each with a line end behind it.
        fingerprint: the same for the same text, and for no other.
    """

    text: str
    fingerprint: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the fingerprint."""
        digest = hashlib.blake2b(self.text.encode(), digest_size=16).digest()
        object.__setattr__(self, "fingerprint", digest)

    @classmethod
    def of(cls, tags: Iterable[str]) -> "Listing":
        """Return the listing of tags; a text with a line end in it is no tag, and left out."""
        return cls("".join(f"{tag}{_END}" for tag in tags if _END not in tag))

    def __iter__(self) -> Iterator[str]:
        return iter(self.text.split(_END)[:-1])

    def __len__(self) -> int:
        return self.text.count(_END)

    def __contains__(self, tag: object) -> bool:
        line = f"{tag}{_END}"
        return isinstance(tag, str) and (self.text.startswith(line) or f"{_END}{line}" in self.text)
