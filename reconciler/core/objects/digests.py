"""Hashes of JSON values, short enough for the state object."""

import base64
import hashlib
import hmac

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")
_BYTES = 16  # plenty against accidents: 128 bits


def digest_of(value: object, *, key: bytes | None = None) -> str:
    """Return a hash of a JSON value, the same for every order of its keys: 22 characters.

    With a key it is an HMAC: without the key nobody can try out which value it belongs to.
    """
    data = _ENCODER.encode(value)
    digest = hashlib.sha256(data).digest() if key is None else hmac.digest(key, data, "sha256")
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode("ascii").rstrip("=")
