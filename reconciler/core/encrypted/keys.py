"""What opens what was encrypted: the keys that somebody gave us, as the core sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A document's data key, encrypted for one age recipient.

    Attributes:
        recipient: whose public key: ``age1…``.
        text: the encrypted key, in age's armor.
    """

    recipient: str
    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """One encrypted value.

    Attributes:
        data: the ciphertext.
        nonce: of AES-GCM, of any length.
        tag: of AES-GCM: 16 bytes.
        type: what the value is: ``str``, ``int``, ``float``, ``bool``, ``bytes``, ``comment``, …
    """

    data: bytes
    nonce: bytes
    tag: bytes
    type: str


class Keys(Protocol):
    """What opens what was encrypted. Keys that are equal open the same."""

    @property
    def problems(self) -> Sequence[str]:
        """Why keys that were named are not among them, for a person."""
        ...

    def data_key(self, wrapped: Sequence[Wrapped]) -> bytes | None:
        """Return the data key, by whichever of the recipients we are; None if we are none."""
        ...

    def open(self, sealed: Sealed, key: bytes, *, context: str) -> bytes:
        """Return what a value says.

        Args:
            sealed: the value.
            key: the document's data key.
            context: what it was encrypted together with: its path.

        Raises:
            ValueError: it was changed, or belongs elsewhere.
        """
        ...
