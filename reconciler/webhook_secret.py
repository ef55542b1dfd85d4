"""The secret of webhooks, in its file."""

from pathlib import Path

from reconciler.core.hooks.senders import MIN_SECRET
from reconciler.errors import SettingsError

MAX_BYTES = 4096


def read_secret(path: Path) -> bytes:
    """Return the secret, without white space around it.

    Raises:
        SettingsError: it cannot be read, or is too short.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_BYTES).strip()
    except OSError as error:
        message = f"--webhook-secret-file: cannot read it: {error.strerror}"
        raise SettingsError(message, where=str(path)) from error
    if len(secret) < MIN_SECRET:
        message = f"--webhook-secret-file: holds fewer than {MIN_SECRET} characters"
        raise SettingsError(message, where=str(path))
    return secret
