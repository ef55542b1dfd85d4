"""Keys that open what was encrypted for us: the one home of the cryptographic packages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.encrypted.keys import Sealed, Wrapped
from reconciler.core.redaction import Secret

_KEY_BYTES: Final = 32
_MAX_WRAPPED: Final = 16 * 1024  # characters; a data key for one recipient takes some 400


@dataclass(frozen=True, slots=True)
class Identity:
    """One private key.

    Attributes:
        text: as its file has it.
        is_ssh: whether it is SSH's, else age's.
    """

    text: Secret
    is_ssh: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it can be read."""
        from pyrage import IdentityError  # noqa: PLC0415 - loaded where something is encrypted

        try:
            self.opened()
        except IdentityError:
            return False
        return True

    def opened(self) -> Any:  # noqa: ANN401 - pyrage's
        """Return what pyrage works with."""
        import pyrage  # noqa: PLC0415 - as above

        if self.is_ssh:
            return pyrage.ssh.Identity.from_buffer(self.text.reveal().encode())
        return pyrage.x25519.Identity.from_str(self.text.reveal())


@dataclass(frozen=True, slots=True)
class AgeKeys:
    """Keys that open what was encrypted for them. Safe to use from many threads.

    Attributes:
        identities: the private keys.
        problems: why others, which were named, are not among them.
    """

    identities: tuple[Identity, ...] = ()
    problems: tuple[str, ...] = ()

    def data_key(self, wrapped: Sequence[Wrapped]) -> bytes | None:
        """Return the data key, by whichever of the recipients we are; None if we are none."""
        if not self.identities:
            return None
        import pyrage  # noqa: PLC0415 - loaded where something is encrypted

        opened = [each.opened() for each in self.identities]
        for each in wrapped:
            if len(each.text) > _MAX_WRAPPED:
                continue
            try:
                key: bytes = pyrage.decrypt(each.text.strip().encode(), opened)
            except pyrage.DecryptError:
                continue
            if len(key) == _KEY_BYTES:
                return key
        return None

    def open(self, sealed: Sealed, key: bytes, *, context: str) -> bytes:
        """Return what a value says, see :meth:`Keys.open`."""
        from Crypto.Cipher import AES  # noqa: PLC0415 - as above

        cipher = AES.new(key, AES.MODE_GCM, nonce=sealed.nonce, mac_len=len(sealed.tag))
        cipher.update(context.encode("utf-8", "surrogatepass"))
        try:
            return cipher.decrypt_and_verify(sealed.data, sealed.tag)
        except ValueError as error:
            raise ValueError("was changed after that, or was moved there") from error
