"""A secret that others must know, in its file."""

from pathlib import Path
from typing import Final

from reconciler.errors import SettingsError

MAX_BYTES: Final = 4096
MIN_SECRET: Final = 16
"""Characters: fewer can be guessed."""


def read_secret(path: Path, *, option: str) -> bytes:
    """Return the secret, without white space around it.

    Args:
        path: of its file.
        option: what names the file, for messages.

    Raises:
        SettingsError: it cannot be read, or is too short.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_BYTES).strip()
    except OSError as error:
        message = f"{option}: cannot read it: {error.strerror}"
        raise SettingsError(message, where=str(path)) from error
    if len(secret) < MIN_SECRET:
        message = f"{option}: holds fewer than {MIN_SECRET} characters"
        raise SettingsError(message, where=str(path))
    return secret
