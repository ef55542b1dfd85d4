"""Signs commits with the key of the settings, in the format that the key has."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.gpg_agent import end_agent
from reconciler.adapters.git.openpgp_signature import HOME, sign_with_openpgp
from reconciler.adapters.git.private_files import read_bounded, remove_folder
from reconciler.adapters.git.program import GitProgram
from reconciler.adapters.git.signing_key import OpenPgpKey, SigningFormat, signing_key_of
from reconciler.adapters.git.ssh_signature import sign_with_ssh
from reconciler.adapters.git.tool import Tool
from reconciler.errors import SettingsError
from reconciler.settings import GitSettings

_FOLDER = "signing"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key, which is read anew each time.

    The clone's lock has to be held while it signs. Copies of the key exist for as long, in a folder
    of the clone's that nobody else may enter; what a killed process left is removed first.

    Attributes:
        program: whose folder, time limit and stop are used.
        key_file: the private key.
        passphrase_file: what opens it; None: nothing is needed.
        wanted: the format the key must be in; None: whichever it is.
    """

    program: GitProgram
    key_file: Path
    passphrase_file: Path | None = None
    wanted: SigningFormat | None = None

    def sign(self, payload: bytes) -> bytes:
        """Return the signature of a commit without one, in lines of ASCII.

        Raises:
            SettingsError: key or passphrase cannot be used, or the program that signs is missing.
            GitError: the program did not end in time.
            OSError: the disk does not permit it.
        """
        where = str(self.key_file)
        content = read_bounded(self.key_file, "the signing key")
        key = signing_key_of(content, wanted=self.wanted, where=where)
        name = "gpg" if isinstance(key, OpenPgpKey) else "ssh-keygen"
        found = shutil.which(name)
        if found is None:
            package = "gpg and gpg-agent" if name == "gpg" else "openssh-client"
            raise SettingsError(f"there is no {name} program on the PATH: install {package}")
        with _private_folder(self.program.directory / _FOLDER) as folder:
            timeout_s, stop = self.program.settings.timeout_s, self.program.stop
            tool = Tool(Path(found).absolute(), folder, timeout_s, stop)
            if isinstance(key, OpenPgpKey):
                return sign_with_openpgp(payload, key, self.passphrase_file, tool, where=where)
            return sign_with_ssh(payload, key, self.passphrase_file, tool, where=where)


def signer_of(settings: GitSettings, program: GitProgram) -> Signer | None:
    """Return what signs our commits; None: they are not signed.

    Raises:
        SettingsError: there is no such format, or no key where something is said of one.
    """
    wanted = _format(settings.signing_format)
    if settings.signing_key_file is not None:
        key, passphrase = settings.signing_key_file, settings.signing_passphrase_file
        return Signer(program, key, passphrase, wanted)
    for option, value in {
        "--git-signing-format": wanted,
        "--git-signing-passphrase-file": settings.signing_passphrase_file,
    }.items():
        if value is not None:
            raise SettingsError(f"{option} goes with --git-signing-key-file")
    return None


def _format(text: str | None) -> SigningFormat | None:
    try:
        return SigningFormat(text) if text else None
    except ValueError as error:
        raise SettingsError(f"{text!r} is no format of signatures: write ssh or openpgp") from error


@contextlib.contextmanager
def _private_folder(path: Path) -> Iterator[Path]:
    end_agent(path / HOME)  # that a killed process left
    remove_folder(path)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        remove_folder(path)
