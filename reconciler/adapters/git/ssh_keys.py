"""Makes SSH keys, and tells the public half of one, by ``ssh-keygen`` in memory alone."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.adapters.git.failures import telling_line
from reconciler.adapters.git.private_files import write_private
from reconciler.adapters.git.private_key import private_key_of
from reconciler.adapters.git.runner import Output
from reconciler.adapters.git.tool import Tool
from reconciler.adapters.git.user_name import has_user_name, naming_variables, write_user_name
from reconciler.core.public_key import PublicKey, public_half
from reconciler.errors import SettingsError
from reconciler.stop import Stop

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the kernel's file system in memory; our folder there is our own
TIMEOUT_S: Final = 30.0
_KEY: Final = "key"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair that was just made; the private half is in no ``repr``."""

    private: str = field(repr=False)
    public: PublicKey


class SshKeys:
    """Keys of SSH. What is private is in memory and in no file that outlives a call."""

    def __init__(self, memory: Path = MEMORY) -> None:
        """Do nothing yet.

        Args:
            memory: a folder in memory.
        """
        self._memory = memory

    @property
    def reads_all_forms(self) -> bool:
        """Whether a key can be read that is not in OpenSSH's own form."""
        return shutil.which("ssh-keygen") is not None and os.access(self._memory, os.W_OK)

    def make(self, comment: str) -> NewKey:
        """Return a new ed25519 key without a passphrase.

        Raises:
            SettingsError: there is no ``ssh-keygen``, or no folder in memory.
            GitError: it did not end in time.
        """
        with self._tool() as tool:
            arguments = ("-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", _KEY)
            made = tool.run(*arguments, variables=_variables(tool.folder))
            public = None
            if not made.status:
                public = PublicKey.parse((tool.folder / f"{_KEY}.pub").read_text())
            if public is None:
                raise SettingsError(f"ssh-keygen made no key ({_words(made)})")
            return NewKey((tool.folder / _KEY).read_text(), public)

    def public_half(self, content: bytes, *, where: str) -> PublicKey:
        """Return the public half of a private key, of whatever form.

        Args:
            content: the private key.
            where: its name, for errors.

        Raises:
            SettingsError: it is no private key, or one that does not tell without its passphrase.
                None of its bytes is in the message.
            GitError: ``ssh-keygen`` did not end in time.
        """
        key = private_key_of(content, where=where)
        text = key.text.decode("ascii", "replace")
        if key.has_public_half and (found := public_half(text)) is not None:
            return found
        if key.is_locked:
            raise SettingsError(
                "the SSH key has a passphrase, and its form does not tell the public half without",
                where=where,
            )
        with self._tool() as tool:
            write_private(tool.folder / _KEY, key.text)
            shown = tool.run("-y", "-f", _KEY, variables=_variables(tool.folder))
        public = PublicKey.parse(shown.stdout.decode("ascii", "replace"))
        if shown.status or public is None:
            raise SettingsError(f"ssh-keygen cannot read the key ({_words(shown)})", where=where)
        return public

    @contextlib.contextmanager
    def _tool(self) -> Iterator[Tool]:
        program = shutil.which("ssh-keygen")
        if program is None:
            raise SettingsError(
                "there is no ssh-keygen program on the PATH: install openssh-client"
            )
        try:
            folder = Path(tempfile.mkdtemp(dir=self._memory, prefix="reconcile-key-"))
        except OSError as error:
            raise SettingsError(
                f"no private key is written to a disk, and {self._memory} cannot be used "
                f"({error.strerror}): make a key by yourself, and name it with --git-ssh-key-file"
            ) from error
        try:
            yield Tool(Path(program).absolute(), folder, TIMEOUT_S, Stop())
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _variables(folder: Path) -> dict[str, str]:
    if has_user_name():
        return {}
    if not (folder / "passwd").exists():
        write_user_name(folder)
    return dict(naming_variables("."))


def _words(output: Output) -> str:
    return telling_line(output.stderr, otherwise="ssh-keygen gave no reason")
