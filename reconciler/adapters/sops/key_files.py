"""Key files: the age identities, and SSH keys, that open what was encrypted for us."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.adapters.sops.age_keys import AgeKeys, Identity
from reconciler.core.redaction import Secret

MAX_BYTES: Final = 256 * 1024
_AGE: Final = "AGE-SECRET-KEY-1"
_SSH: Final = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Files with keys, as ``age-keygen`` writes them, or with a private SSH key in the open.

    Attributes:
        paths: the files. What they hold is read anew each time: keys are rotated in place.
    """

    paths: Sequence[Path]

    def read(self) -> AgeKeys:
        """Return what the files hold now. What is wrong with one leaves the others unharmed."""
        keys: list[Identity] = []
        problems: list[str] = []
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    content = file.read(MAX_BYTES + 1)
                found = _identities(content)
            except OSError as error:
                problems.append(f"the key file {str(path)!r} cannot be read: {error.strerror}")
            except ValueError as error:
                problems.append(f"the key file {str(path)!r} {error}")
            else:
                keys += found
        return AgeKeys(tuple(dict.fromkeys(keys)), tuple(problems))


def _identities(content: bytes) -> list[Identity]:
    """Return the keys in a file.

    Raises:
        ValueError: it holds none, or one that we cannot use; the message holds nothing of it.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES:,} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("holds no text") from None
    if text.lstrip().startswith(_SSH):
        return [_checked(Identity(Secret(text), is_ssh=True), line=1)]
    found = [
        _of_line(line.strip(), number)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not found:
        raise ValueError("holds no key")
    return found


def _of_line(line: str, number: int) -> Identity:
    if not line.startswith(_AGE):
        raise ValueError(
            f"holds in line {number} what is no {_AGE}…: other kinds are not supported"
        )
    return _checked(Identity(Secret(line)), line=number)


def _checked(identity: Identity, *, line: int) -> Identity:
    if not identity.is_usable:
        raise ValueError(f"holds in line {line} a key that is damaged, or has a pass phrase")
    return identity
