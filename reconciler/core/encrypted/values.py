"""Single values of encrypted documents: as they are written, and as they are hashed."""

import base64
import binascii
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reconciler.core.encrypted.keys import Sealed
from reconciler.core.manifests.document import Opened, Scalar
from reconciler.core.manifests.value import NULLS

COMMENT: Final = "comment"

_SEALED: Final = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),"
    r"type:([a-z]+)\]"
)
_TAG_BYTES: Final = 16  # a shorter one would be easier to guess
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INT64: Final = range(-(2**63), 2**63)
_LONGEST_NUMBER: Final = 400  # characters


@dataclass(frozen=True, slots=True)
class Plain:
    """What one value says.

    Attributes:
        hashed: its bytes in the document's hash.
        node: the scalar that says it; None for a comment, which some formats keep as a value.
    """

    hashed: bytes
    node: Scalar | None


def sealed_of(text: str) -> Sealed | None:
    """Return the encrypted value that a text is; None if it is none."""
    found = _SEALED.fullmatch(text)
    if found is None:
        return None
    try:
        data, nonce, tag = (base64.b64decode(each, validate=True) for each in found.groups()[:3])
    except binascii.Error:
        return None
    return Sealed(data, nonce, tag, found[4]) if len(tag) == _TAG_BYTES and nonce else None


def plain_of(opened: bytes, kind: str, place: Scalar) -> Plain:
    """Return what a decrypted value says, as a scalar at the place of the encrypted one.

    Raises:
        ValueError: it is no value of its kind; the message holds nothing of it.
    """
    if kind == COMMENT:
        return Plain(b"", None)
    try:
        text = opened.decode()
    except UnicodeDecodeError as error:
        raise ValueError("holds bytes that are no text") from error
    hashed, is_plain = _read(text, kind)
    shown = text if not is_plain else hashed.decode().lower()
    return Plain(hashed, Opened(shown, place.start, place.end, place.line, "" if is_plain else '"'))


def _read(text: str, kind: str) -> tuple[bytes, bool]:
    """Return a value's bytes in the hash, and whether it is written without quotes."""
    try:
        if kind == "int":
            return str(int(text)).encode(), True
        if kind == "float":
            return _float_text(float(text)).encode(), True
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"is no {kind}") from error
    if kind == "bool":
        if text.lower() not in {"true", "false"}:
            raise ValueError("is no bool")
        return text.lower().capitalize().encode(), True
    if kind in {"str", "bytes", "time"}:
        return text.encode(), False
    raise ValueError(f"is of an unknown type {kind[:20]!r}")


def hashed_of(scalar: Scalar) -> bytes | None:
    """Return the bytes in the hash of a value that is not encrypted; None for null.

    SOPS reads scalars by go-yaml 3's rules; those of JSON differ nowhere that matters.
    """
    text = scalar.value
    if scalar.tag is not None and scalar.tag.endswith(":binary"):
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            return text.encode("utf-8", "surrogatepass")
    if scalar.style or (scalar.tag is not None and scalar.tag.endswith(":str")):
        return text.encode("utf-8", "surrogatepass")
    if text in NULLS:
        return None
    if text in _TRUE | _FALSE:
        return b"True" if text in _TRUE else b"False"
    number = _number(text.replace("_", ""))
    return text.encode("utf-8", "surrogatepass") if number is None else number.encode()


def _number(text: str) -> str | None:
    """Return a number's text in the hash; None if a text is no number."""
    if len(text) > _LONGEST_NUMBER:
        return None
    whole = _integer(text)
    if whole is not None and whole in _INT64:
        return str(whole)
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return _float_text(float(text))
    except ArithmeticError:
        return None


def _integer(text: str) -> int | None:
    """Return the integer that Go's ``ParseInt`` with base 0 makes of a text."""
    sign = -1 if text.startswith("-") else 1
    digits = text[1:] if text[:1] in {"-", "+"} else text
    if not digits[:1].isdigit() or not digits.isascii():
        return None
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = f"0o{digits}"
    try:
        return sign * int(digits, 0)
    except ValueError:
        return None


def _float_text(number: float) -> str:
    """Return what Go's ``FormatFloat(number, 'f', -1, 64)`` gives.

    Raises:
        ArithmeticError: it is infinite, or none at all.
    """
    if not math.isfinite(number):
        raise ArithmeticError
    return format(Decimal(repr(number)), "f").removesuffix(".0")
