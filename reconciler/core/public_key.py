"""The public half of an SSH key: its line, its fingerprint, and where a private key holds it."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

_MAGIC: Final = b"openssh-key-v1\0"
_BEGIN: Final = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END: Final = "-----END OPENSSH PRIVATE KEY-----"
_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as ``authorized_keys`` and the forges take it.

    Attributes:
        kind: ``ssh-ed25519``.
        blob: the key itself, as RFC 4253 encodes it.
        comment: what it is called; may be empty.
    """

    kind: str
    blob: bytes
    comment: str = ""

    @classmethod
    def parse(cls, line: str) -> "PublicKey | None":
        """Return the key of a line: kind, base64, comment; None if that is none."""
        kind, _, rest = line.strip().partition(" ")
        text, _, comment = rest.strip().partition(" ")
        blob = _decoded(text)
        if not blob or _text_at(blob, 0)[0] != kind.encode():
            return None
        return cls(kind, blob, comment.strip())

    @property
    def fingerprint(self) -> str:
        """As OpenSSH and the forges show it: ``SHA256:…``."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    def __str__(self) -> str:
        line = f"{self.kind} {base64.b64encode(self.blob).decode()}"
        return f"{line} {self.comment}" if self.comment else line


def public_half(text: str) -> PublicKey | None:
    """Return the public half that a private key in OpenSSH's own form holds, locked or not.

    OpenSSH, PROTOCOL.key: the magic; cipher, KDF and its options as strings; the number of keys;
    then the public keys as strings. None if the text has another form, or is damaged.
    """
    _, begin, rest = text.partition(_BEGIN)
    body, end, _ = rest.partition(_END)
    blob = _decoded("".join(body.split()))
    if not begin or not end or not blob.startswith(_MAGIC):
        return None
    position = len(_MAGIC)
    for _ in range(3):
        _, position = _text_at(blob, position)
    key, _ = _text_at(blob, position + _LENGTH)
    kind, _ = _text_at(key, 0)
    if not kind or not kind.isascii():
        return None
    return PublicKey(kind.decode(), key)


def _text_at(blob: bytes, position: int) -> tuple[bytes, int]:
    """Return the string of SSH that begins there, and where the next thing does; empty: none."""
    start = position + _LENGTH
    size = int.from_bytes(blob[position:start], "big")
    return (blob[start : start + size], start + size) if start + size <= len(blob) else (b"", start)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
