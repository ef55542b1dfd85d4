"""A Git server over SSH: OpenSSH's own sshd, on loopback, with keys and users of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.ports import free_port, is_listening
from lab.process import MissingPartError, Process, wait_until

USER = "git"
_SSHD = Path("/usr/sbin/sshd")
_RUN = Path("/run/sshd")  # compiled in: sshd wants this empty folder when it runs as root
_WRAPPER = "libnss_wrapper.so"
_INSTALL = "apt-get install --no-install-recommends openssh-server openssh-client libnss-wrapper"
_START_S = 20.0

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
PidFile none
UsePAM no
PermitRootLogin prohibit-password
AuthenticationMethods publickey
AcceptEnv GIT_PROTOCOL
SetEnv GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
LogLevel VERBOSE
"""


@dataclass(slots=True)
class SshServer:
    """Serves the repositories below ``root``, which is the home of its only user, ``git``.

    The user is the one who runs the lab, by another name: ``libnss_wrapper`` answers for the
    system, so that neither an account nor root is needed. Its shell is ``git-shell``.
    """

    folder: Path
    root: Path
    port: int = field(default_factory=free_port)
    _process: Process | None = None

    @property
    def url(self) -> str:
        """The URL of the folder."""
        return f"ssh://{USER}@127.0.0.1:{self.port}{self.root}"

    @property
    def known_hosts(self) -> str:
        """Its line of a ``known_hosts`` file."""
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def authorize(self, public_key: str, *, command: str = "") -> None:
        """Let a key in, and no other; with a command, a shell runs that, whatever it asks for."""
        self._write_users("/bin/sh" if command else shutil.which("git-shell") or "")
        option = f'restrict,command="{command}" ' if command else "restrict "
        (self.folder / "authorized_keys").write_text(f"{option}{public_key}\n")

    def change_host_key(self) -> None:
        """Have another host key, from the next start on."""
        (self.folder / "host_key").unlink(missing_ok=True)
        make_key(self.folder / "host_key")

    def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            LabError: it does not.
        """
        process = Process(
            "sshd",
            [str(_SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")],
            self.folder / "sshd.log",
            environment={
                "PATH": os.environ["PATH"],
                "LD_PRELOAD": _WRAPPER,
                "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
                "NSS_WRAPPER_GROUP": str(self.folder / "group"),
            },
        )
        self._process = process
        wait_until(
            lambda: is_listening(self.port),
            what="sshd", timeout_s=_START_S, processes=[process],
        )  # fmt: skip

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process:
            self._process.stop()
            self._process = None

    def write_configuration(self) -> None:
        """Write all that sshd reads; nobody is let in yet."""
        self._write_users("/bin/false")
        (self.folder / "sshd_config").write_text(
            _CONFIG.format(port=self.port, folder=self.folder.absolute())
        )
        (self.folder / "authorized_keys").touch()
        self.change_host_key()
        if os.geteuid() == 0:
            _RUN.mkdir(mode=0o755, exist_ok=True)

    def _write_users(self, shell: str) -> None:
        user, group, home = os.getuid(), os.getgid(), self.root.absolute()
        (self.folder / "passwd").write_text(
            f"{USER}:*:{user}:{group}::{home}:{shell}\nsshd:*:65533:65533::{_RUN}:/bin/false\n"
        )
        (self.folder / "group").write_text(f"{USER}:*:{group}:\nsshd:*:65533:\n")


def make_key(path: Path, *, passphrase: str = "", kind: str = "ed25519", form: str = "") -> str:
    """Make a key pair at ``path`` and ``path.pub``, and return the public half's line.

    Args:
        path: where.
        passphrase: what opens the private key.
        kind: as ``ssh-keygen -t`` has it.
        form: ``PEM`` or ``PKCS8`` instead of OpenSSH's own.
    """
    arguments = ["-q", "-t", kind, "-N", passphrase, "-C", "lab", "-f", str(path)]
    if form:
        arguments += ["-m", form]
    subprocess.run(["ssh-keygen", *arguments], check=True, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text().strip()


def require_sshd() -> None:
    """Make sure that sshd can be run.

    Raises:
        MissingPartError: something is not installed.
    """
    for program in (str(_SSHD), "ssh", "ssh-keygen", "git-shell"):
        if shutil.which(program) is None:
            raise MissingPartError(f"{program} is missing: {_INSTALL} git")
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": _WRAPPER}
    loaded = subprocess.run(["true"], env=environment, capture_output=True, check=True)
    if loaded.stderr:
        raise MissingPartError(f"{_WRAPPER} is missing: {_INSTALL}")


@contextmanager
def serving_ssh(folder: Path, root: Path) -> Iterator[SshServer]:
    """Serve the repositories below ``root`` while the block runs; ``folder`` keeps sshd's files.

    Raises:
        MissingPartError: OpenSSH's server is not installed.
    """
    require_sshd()
    folder.mkdir(parents=True, exist_ok=True)
    server = SshServer(folder, root)
    server.write_configuration()
    try:
        server.start()
        yield server
    finally:
        server.stop()
