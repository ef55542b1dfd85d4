"""The key that signs commits: its format, told before a program says less of it."""

import enum
import re
from dataclasses import dataclass

from reconciler.adapters.git.private_key import PrivateKey, private_key_of
from reconciler.errors import SettingsError

_ARMOR = re.compile(rb"-----BEGIN PGP (?P<kind>[A-Z ]+)-----")
_SECRET = b"PRIVATE KEY BLOCK"
_TAG_SECRET, _TAG_PUBLIC = 5, 6  # RFC 9580, 5: the first packet of an exported key


class SigningFormat(enum.Enum):
    """What a signature is written in, by git's names for ``gpg.format``."""

    SSH = "ssh"
    OPENPGP = "openpgp"


@dataclass(frozen=True, slots=True)
class OpenPgpKey:
    """An exported secret key, as gpg imports it."""

    content: bytes


SigningKey = PrivateKey | OpenPgpKey


def signing_key_of(content: bytes, *, wanted: SigningFormat | None, where: str) -> SigningKey:
    """Return the key that a file holds.

    Args:
        content: the file.
        wanted: the format it must be in; None: whichever it is.
        where: its name, for errors.

    Raises:
        SettingsError: it is no private key, or one of the other format. None of its bytes is in the
            message.
    """
    armor = _ARMOR.search(content)
    tag = _binary_tag(content)
    if armor or tag in {_TAG_SECRET, _TAG_PUBLIC}:
        if wanted is SigningFormat.SSH:
            raise SettingsError("this is an OpenPGP key, and not one of SSH", where=where)
        if (armor and armor["kind"] != _SECRET) or tag == _TAG_PUBLIC:
            raise SettingsError(
                "this is no secret OpenPGP key: gpg --armor --export-secret-keys writes one",
                where=where,
            )
        return OpenPgpKey(content)
    if wanted is SigningFormat.OPENPGP:
        raise SettingsError(
            "this is no OpenPGP key: gpg --armor --export-secret-keys writes one", where=where
        )
    return private_key_of(content, where=where)


def _binary_tag(content: bytes) -> int | None:
    """Return the tag of the OpenPGP packet that a content starts with; None: with none."""
    first = content[0] if content else 0
    if not first & 0x80:
        return None
    return first & 0x3F if first & 0x40 else (first >> 2) & 0x0F
