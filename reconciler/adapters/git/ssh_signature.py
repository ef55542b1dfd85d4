"""Signs with an SSH key, by ``ssh-keygen -Y sign``, as git does (PROTOCOL.sshsig of OpenSSH)."""

from pathlib import Path

from reconciler.adapters.git.credentials import first_line, secret_printer
from reconciler.adapters.git.failures import telling_line
from reconciler.adapters.git.private_files import write_private
from reconciler.adapters.git.private_key import PrivateKey
from reconciler.adapters.git.runner import Output
from reconciler.adapters.git.tool import Tool
from reconciler.adapters.git.user_name import has_user_name, naming_variables, write_user_name
from reconciler.errors import SettingsError

_NAMESPACE = "git"  # what git asks for when it verifies: gpg-interface.c, sign_buffer_ssh
_KEY = "key"
_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_WRONG_WORDS = "incorrect passphrase"


def sign_with_ssh(
    payload: bytes, key: PrivateKey, passphrase_file: Path | None, tool: Tool, *, where: str
) -> bytes:
    """Return the signature of a payload.

    Args:
        payload: what to sign.
        key: the private key.
        passphrase_file: its first line opens the key; None: nothing is needed.
        tool: ``ssh-keygen``, in an empty folder.
        where: the key's name, for errors.

    Raises:
        SettingsError: the key cannot be used, or the passphrase does not open it.
        GitError: it did not end in time.
        OSError: the disk does not permit it.
    """
    variables = _variables(key, passphrase_file, tool.folder, where)
    write_private(tool.folder / _KEY, key.text)
    if not key.has_public_half:  # ssh-keygen signs with nothing else then
        shown = tool.run("-y", "-f", _KEY, variables=variables)
        if shown.status:
            raise _failure(shown, where)
        write_private(tool.folder / f"{_KEY}.pub", shown.stdout)
    arguments = ("-Y", "sign", "-n", _NAMESPACE, "-f", _KEY)
    signed = tool.run(*arguments, variables=variables, stdin=payload)
    if signed.status or not signed.stdout.startswith(_BEGIN):
        raise _failure(signed, where)
    return signed.stdout


def _variables(
    key: PrivateKey, passphrase_file: Path | None, folder: Path, where: str
) -> dict[str, str]:
    variables = {}
    if key.is_locked:
        if passphrase_file is None:
            raise SettingsError(
                "the signing key has a passphrase: use --git-signing-passphrase-file", where=where
            )
        first_line(passphrase_file, "the signing key's passphrase")
        askpass = folder / "askpass"
        write_private(askpass, secret_printer(passphrase_file).encode(), mode=0o700)
        # Without "force" a terminal would be asked, if there is one.
        variables = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    if not has_user_name():
        write_user_name(folder)
        variables |= naming_variables(".")
    return variables


def _failure(output: Output, where: str) -> SettingsError:
    if _WRONG_WORDS in output.stderr:
        reason = "the passphrase of --git-signing-passphrase-file does not open the signing key"
        return SettingsError(reason, where=where)
    words = telling_line(output.stderr, otherwise="ssh-keygen gave no reason")
    return SettingsError(f"ssh-keygen cannot sign with the key ({words})", where=where)
