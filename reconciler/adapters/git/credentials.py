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


def secret_printer(file: Path) -> str:
    """Return a program that prints a file, for ``SSH_ASKPASS``; its first line is what counts."""
    return f"#!/bin/sh\nexec cat -- {shlex.quote(str(file.absolute()))}\n"


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
    return Secret(first_line(file, "the Git password").decode("utf-8", "replace"))


def first_line(file: Path, what: str) -> bytes:
    """Return a file's first line, without its end.

    Args:
        file: where it is.
        what: what it is, for errors.

    Raises:
        SettingsError: the file cannot be read, or its first line is empty.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_PASSWORD_BYTES)
    except OSError as error:
        raise SettingsError(f"cannot read {what}: {error.strerror}", where=str(file)) from error
    line = content.splitlines()[0] if content else b""
    if not line:
        raise SettingsError(f"{what}'s first line is empty", where=str(file))
    return line
