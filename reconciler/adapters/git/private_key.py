"""What an SSH private key must look like for us, said before ssh says less about it."""

import base64
import binascii
import re
from dataclasses import dataclass

from reconciler.errors import SettingsError

_PUBLIC = re.compile(
    rb"(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ AAAA|---- BEGIN SSH2 PUBLIC|-----BEGIN .*PUBLIC"
)
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_BLOCK = re.compile(
    rb"-----BEGIN (?P<kind>[A-Z0-9 ]*PRIVATE KEY)-----\n(?P<body>.+?)\n-----END (?P=kind)-----",
    re.DOTALL,
)
_OWN = b"OPENSSH PRIVATE KEY"
_MAGIC = b"openssh-key-v1\0"
_NO_CIPHER = b"\0\0\0\x04none"  # a string of SSH: its length in four bytes, then its bytes


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key as OpenSSH reads it.

    Attributes:
        text: with the line ends of Unix, also after the last line.
        is_locked: whether it takes a passphrase to use it.
        has_public_half: whether it tells its public half without one, as OpenSSH's own form does.
    """

    text: bytes
    is_locked: bool
    has_public_half: bool


def usable_key(content: bytes, *, where: str) -> bytes:
    """Return a private key for ssh; see :func:`private_key_of`.

    Raises:
        SettingsError: it is no private key, is damaged, or has a passphrase. None of its bytes is
            in the message.
    """
    key = private_key_of(content, where=where)
    if key.is_locked:
        raise SettingsError(
            "the SSH key has a passphrase, which nobody can be asked for: "
            "use a key of its own without one (ssh-keygen -t ed25519 -N '')",
            where=where,
        )
    return key.text


def private_key_of(content: bytes, *, where: str) -> PrivateKey:
    """Return a private key with what its form tells of it.

    Keys that went through a form, an editor or ``$(…)`` lose those, and ssh then says no more than
    "error in libcrypto".

    Args:
        content: the file.
        where: its name, for errors.

    Raises:
        SettingsError: it is no private key, or is damaged. None of its bytes is in the message.
    """
    text = content.replace(b"\r\n", b"\n").strip()
    found = _BLOCK.search(text)
    if not found:
        raise SettingsError(_stranger(text), where=where)
    kind = found["kind"]
    return PrivateKey(
        text + b"\n",
        is_locked=_has_passphrase(kind, found["body"], where),
        has_public_half=kind == _OWN,
    )


def _stranger(text: bytes) -> str:
    if not text:
        return "the SSH key file is empty"
    if _PUBLIC.match(text):
        return "this is a public SSH key: the private one is wanted"
    if text.startswith(b"PuTTY-User-Key-File"):
        return "this is a key of PuTTY: export it in the format of OpenSSH (puttygen)"
    if _BEGIN.match(text):
        return "the SSH key is damaged: its last line is missing, or its lines are joined"
    return "this is no SSH private key: '-----BEGIN … PRIVATE KEY-----' is missing"


def _has_passphrase(kind: bytes, body: bytes, where: str) -> bool:
    """Tell by the key's own header (OpenSSH, PROTOCOL.key; RFC 1421 and RFC 5958 for PEM)."""
    if kind == b"ENCRYPTED PRIVATE KEY" or body.startswith(b"Proc-Type: 4,ENCRYPTED"):
        return True
    if kind != _OWN:
        return False
    try:
        blob = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        blob = b""
    if not blob.startswith(_MAGIC):
        raise SettingsError("the SSH key is damaged: it cannot be decoded", where=where)
    return not blob.startswith(_NO_CIPHER, len(_MAGIC))
