"""Signs with an OpenPGP key, by gpg with a home of its own that holds nothing but that key."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.git.credentials import first_line
from reconciler.adapters.git.failures import printable
from reconciler.adapters.git.gpg_agent import end_agent, short_path
from reconciler.adapters.git.private_files import write_private
from reconciler.adapters.git.runner import Output
from reconciler.adapters.git.signing_key import OpenPgpKey
from reconciler.adapters.git.tool import Tool
from reconciler.errors import SettingsError

# Nobody is there to answer, no file of the machine has a say, and what is said is for programs.
_OPTIONS = ("--no-options", "--batch", "--no-tty", "--status-fd=2", "--pinentry-mode=loopback")
# No search for smart cards. The agent keeps the key locked in its folder; without a count it would
# first measure, for seconds, how much work that may be on this machine.
_AGENT_CONF = b"disable-scdaemon\ns2k-count 65536\n"
HOME = "home"  # of gpg, in the folder where it works
_BEGIN = b"-----BEGIN PGP SIGNATURE-----"

# doc/DETAILS of GnuPG. The flags of IMPORT_OK: 16 for a secret key.
_IMPORTED = re.compile(r"(?m)^\[GNUPG:\] IMPORT_OK (?P<flags>[0-9]+) (?P<key>[0-9A-F]+)$")
_EXPIRED = re.compile(r"(?m)^\[GNUPG:\] KEYEXPIRED (?P<at>[0-9]+)$")
_NEEDS_PASSPHRASE = re.compile(r"(?m)^\[GNUPG:\] NEED_PASSPHRASE ")
_FAILED = re.compile(r"(?m)^\[GNUPG:\] FAILURE sign (?P<code>[0-9]+)$")
_SAID = re.compile(r"(?m)^gpg: (?P<words>.+)$")
_NO_AGENT = re.compile(r"can't connect to the (?:gpg-)?agent|agent_program|No agent running")
_SECRET = 16
_CODE, _BAD_PASSPHRASE, _UNUSABLE_KEY = 0xFFFF, 11, 54  # of libgpg-error; above are the sources


def sign_with_openpgp(
    payload: bytes, key: OpenPgpKey, passphrase_file: Path | None, tool: Tool, *, where: str
) -> bytes:
    """Return the signature of a payload. The agent that gpg starts for it has ended then.

    Args:
        payload: what to sign.
        key: the exported secret key.
        passphrase_file: its first line opens the key; None: nothing is needed.
        tool: ``gpg``, in an empty folder.
        where: the key's name, for errors.

    Raises:
        SettingsError: the key cannot be used, or the passphrase does not open it.
        GitError: it did not end in time.
        OSError: the disk does not permit it.
    """
    passphrase = b""
    if passphrase_file is not None:
        passphrase = first_line(passphrase_file, "the signing key's passphrase") + b"\n"
    write_private(tool.folder / "payload", payload)
    with _home(tool.folder) as home:
        variables = {"GNUPGHOME": str(home)}
        imported = tool.run(*_OPTIONS, "--import", variables=variables, stdin=key.content)
        fingerprint = _fingerprint(imported, where)
        # The passphrase comes first on standard input, and gpg takes no more than its line.
        given = ("--passphrase-fd=0",) if passphrase else ()
        signed = tool.run(
            *_OPTIONS, *given, "--local-user", fingerprint, "--armor", "--output=-",
            "--detach-sign", "--", "payload",
            variables=variables, stdin=passphrase,
        )  # fmt: skip
    if signed.status or not signed.stdout.startswith(_BEGIN):
        raise _failure(imported, signed, where)
    return signed.stdout


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[Path]:
    """Give gpg a home below a folder, by a path that is short enough for the agent's socket."""
    home = folder / HOME
    home.mkdir(mode=0o700)
    write_private(home / "gpg-agent.conf", _AGENT_CONF)
    try:
        with short_path(home) as short:
            yield short
    finally:
        end_agent(home)


def _fingerprint(imported: Output, where: str) -> str:
    """Return the name of the only secret key that was imported."""
    found = _IMPORTED.finditer(imported.stderr)
    keys = {each["key"] for each in found if int(each["flags"]) & _SECRET}
    if len(keys) == 1:
        return keys.pop()
    if keys:
        reason = f"the file holds {len(keys)} secret keys: export the one to sign with"
    elif _NO_AGENT.search(imported.stderr):
        reason = f"gpg cannot start its agent: install gpg-agent ({_words(imported)})"
    else:
        reason = f"gpg finds no secret key in the file ({_words(imported)})"
    raise SettingsError(reason, where=where)


def _failure(imported: Output, signed: Output, where: str) -> SettingsError:
    failed = _FAILED.search(signed.stderr)
    code = int(failed["code"]) & _CODE if failed else 0
    expired = _EXPIRED.search(imported.stderr)
    if code == _BAD_PASSPHRASE:
        reason = "the passphrase of --git-signing-passphrase-file does not open the signing key"
    elif code == _UNUSABLE_KEY and expired:
        day = datetime.fromtimestamp(int(expired["at"]), UTC).date()
        reason = f"the signing key has expired on {day}"
    elif _NEEDS_PASSPHRASE.search(signed.stderr):
        reason = "the signing key has a passphrase: use --git-signing-passphrase-file"
    else:
        reason = f"gpg cannot sign with the key ({_words(signed)})"
    return SettingsError(reason, where=where)


def _words(output: Output) -> str:
    """Return what gpg said last."""
    said = _SAID.findall(output.stderr)
    return printable(said[-1] if said else "gpg gave no reason")
