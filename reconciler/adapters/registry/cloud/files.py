"""Reads the tokens that are projected into a pod's files; they change while it runs."""

from pathlib import Path
from typing import Final

from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.core.redaction import Secret

MAX_TOKEN_BYTES: Final = 64 * 1024


def read_token_file(path: Path, variable: str) -> Secret:
    """Return the token in a file.

    Args:
        path: of the file.
        variable: what named it, for messages.

    Raises:
        CloudProblem: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TOKEN_BYTES + 1)
        if len(content) > MAX_TOKEN_BYTES:
            raise CloudProblem(f"the file of {variable} is larger than {MAX_TOKEN_BYTES:,} bytes")
        token = content.decode("ascii").strip()
        if not token.isprintable():  # nothing else fits into a header
            raise CloudProblem(f"the file of {variable} holds no token")
        return Secret(token)
    except OSError as error:
        message = f"the file of {variable} cannot be read: {error.strerror}"
        raise CloudProblem(message) from error
    except ValueError:
        raise CloudProblem(f"the file of {variable} holds no token") from None
