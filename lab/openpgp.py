"""OpenPGP keys of people who do not exist, made by gpg in homes that go with their user."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.process import LabError, MissingPartError

NAME = "Robot <robot@example.org>"
# Without a count the agent measures for seconds how much work it may make of a passphrase.
_AGENT_CONF = "disable-scdaemon\ns2k-count 65536\n"


@dataclass(frozen=True, slots=True)
class GpgHome:
    """A home of gpg's: its keys, and the agent that it starts."""

    path: Path

    def make_key(self, *, passphrase: str = "", at: str = "", expires: str = "0") -> str:
        """Make a key that signs, and return its fingerprint.

        Args:
            passphrase: what opens the secret half.
            at: when it was made, as gpg writes it: ``20200101T000000``; empty: now.
            expires: how long after that: ``1d``; 0: never.
        """
        clock = ["--faked-system-time", at] if at else []
        self._gpg(
            *clock, "--pinentry-mode", "loopback", "--passphrase", passphrase,
            "--quick-gen-key", NAME, "ed25519", "sign", expires,
        )  # fmt: skip
        listed = self._gpg("--with-colons", "--list-secret-keys").decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr:"))

    def revoke(self, fingerprint: str) -> None:
        """Take back a key, with the certificate that was made along with it."""
        file = self.path / "openpgp-revocs.d" / f"{fingerprint}.rev"
        certificate = file.read_text().replace(":-----BEGIN", "-----BEGIN")
        self._gpg("--import", stdin=certificate.encode())

    def secret_half(self, *, passphrase: str = "", is_armored: bool = True) -> bytes:
        """Return the secret keys as ``gpg --export-secret-keys`` writes them."""
        armor = ["--armor"] if is_armored else []
        opened = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        return self._gpg(*opened, *armor, "--export-secret-keys")

    def public_half(self) -> bytes:
        """Return the public keys."""
        return self._gpg("--armor", "--export")

    def _gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            ["gpg", "--homedir", str(self.path), "--batch", "--no-tty", "--quiet", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(self.path)},
        )
        if done.returncode:
            raise LabError(f"gpg {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout


@contextlib.contextmanager
def gpg_home() -> Iterator[GpgHome]:
    """Give a home without keys, at a path short enough for the agent's socket.

    Raises:
        MissingPartError: gpg is not installed.
    """
    for program in ("gpg", "gpg-agent", "gpgconf"):
        if shutil.which(program) is None:
            raise MissingPartError(f"{program} is missing: apt-get install gpg gpg-agent")
    with tempfile.TemporaryDirectory(prefix="gpg-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "gpg-agent.conf").write_text(_AGENT_CONF)
        try:
            yield GpgHome(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)
