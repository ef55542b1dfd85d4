"""Hands the remote's password to git when it asks: from its file, to nobody else, kept nowhere."""

import os
import shlex
from pathlib import Path

from reconciler.adapters.git.remote import Remote
from reconciler.core.redaction import Secret
from reconciler.errors import SettingsError

DEFAULT_USERNAME = "git"  # forges look at the token only; some want the name not to be empty
_MAX_PASSWORD_BYTES = 64 * 1024

_SCRIPT = """\
#!/bin/sh
# Answers git's question for the password of one remote; every other question stays unanswered.
case "$1" in
{prompt}*{at_host}) exec cat -- {file} ;;
esac
exit 1
"""


def askpass_script(remote: Remote, password_file: Path) -> str:
    """Return a program for ``GIT_ASKPASS``. It holds the password's place and not the password.

    Git asks ``Password for 'https://USER@HOST': ``; the user name is known to it before.
    """
    return _SCRIPT.format(
        prompt=shlex.quote(f"Password for '{remote.scheme}://"),
        at_host=shlex.quote(f"@{remote.host}': "),
        file=shlex.quote(str(password_file.absolute())),
    )


def write_askpass(path: Path, script: str) -> None:
    """Put the program where git finds it, complete or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(script)
    fresh.replace(path)


def read_password(file: Path) -> Secret:
    """Return the password as git will get it: the file's first line.

    Raises:
        SettingsError: the file cannot be read, or its first line is empty.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_PASSWORD_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise SettingsError(
            f"cannot read the Git password: {error.strerror}", where=str(file)
        ) from error
    password = text.splitlines()[0] if text else ""
    if not password:
        raise SettingsError("the Git password's first line is empty", where=str(file))
    return Secret(password)
