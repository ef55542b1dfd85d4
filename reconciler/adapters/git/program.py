"""The git program as one repository uses it: its folders, its environment, its errors."""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.git.credentials import (
    DEFAULT_USERNAME,
    askpass_script,
    read_password,
    write_askpass,
)
from reconciler.adapters.git.environment import (
    git_environment,
    local_environment,
    remote_environment,
)
from reconciler.adapters.git.failures import failure_of, local_failure_of
from reconciler.adapters.git.remote import Remote
from reconciler.adapters.git.runner import Output, run_git
from reconciler.adapters.git.ssh import NO_SSH, SshAccess, ssh_access
from reconciler.core.redaction import redact
from reconciler.errors import SettingsError
from reconciler.settings import GitSettings
from reconciler.stop import Stop

# A first clone may take its time; what stalls is stopped by http.lowSpeedTime long before.
_TRANSFER_FACTOR = 5


@dataclass(slots=True)
class GitProgram:
    """Runs git for one remote, in folders below ``directory``."""

    settings: GitSettings
    remote: Remote
    directory: Path
    stop: Stop = field(default_factory=Stop)
    lock: int = -1  # descriptor of the lock that children inherit
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Git's home: an empty folder."""
        return self.directory / "home"

    def prepare(self) -> None:
        """Make the folders and the askpass program, once.

        Raises:
            OSError: the disk does not permit it.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        askpass = None
        if self.settings.password_file and self.remote.host:
            askpass = (self.directory / "askpass").absolute()
            write_askpass(askpass, askpass_script(self.remote, self.settings.password_file))
        self._environment = git_environment(self.settings, home=self.home, askpass=askpass)
        self._environment["GIT_CEILING_DIRECTORIES"] = str(self.directory.resolve())

    def on_clone(self, clone: Path, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a command on the clone alone, and return what it printed.

        Raises:
            GitError: it failed; a CorruptCloneError unless the disk is full or it took too long.
        """
        environment = {**self._environment, **local_environment(), "GIT_DIR": str(clone)}
        output = self._run(arguments, environment, stdin, is_work=True)
        if output.status:
            raise local_failure_of(output.stderr, where=str(clone))
        return output.stdout

    def with_remote(self, *arguments: str, clone: Path | None = None, stdin: bytes = b"") -> bytes:
        """Run a command that speaks to the remote, and return what it printed.

        Raises:
            StalledError: the remote is not there, or refuses us.
            SettingsError: a file of the settings cannot be used.
            GitError: it failed, or did not answer in time.
        """
        output = self.try_with_remote(*arguments, clone=clone, stdin=stdin)
        if output.status:
            raise failure_of(output.stderr, where=self.settings.url)
        return output.stdout

    def try_with_remote(
        self, *arguments: str, clone: Path | None = None, stdin: bytes = b""
    ) -> Output:
        """Run a command that speaks to the remote, and return also a failure's words, redacted."""
        secrets = []
        if self.settings.password_file and self.remote.host:
            secrets = [read_password(self.settings.password_file)]
        username = self.settings.username or (DEFAULT_USERNAME if secrets else None)
        environment = {**self._environment, **remote_environment(self.remote, username=username)}
        if clone:
            environment["GIT_DIR"] = str(clone)
        factor = _TRANSFER_FACTOR if "fetch" in arguments else 1
        with self._access() as ssh:
            environment |= ssh.environment
            is_work = "push" in arguments
            output = self._run(arguments, environment, stdin, factor=factor, is_work=is_work)
        if not output.status:
            return output
        stdout = redact(output.stdout.decode("utf-8", "replace"), secrets).encode()
        return replace(output, stdout=stdout, stderr=ssh.explain(redact(output.stderr, secrets)))

    def _access(self) -> contextlib.AbstractContextManager[SshAccess]:
        if self.remote.scheme == "ssh":
            return ssh_access(self.settings, self.home)
        return contextlib.nullcontext(NO_SSH)

    def _run(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        stdin: bytes,
        *,
        factor: int = 1,
        is_work: bool,
    ) -> Output:
        return run_git(
            arguments,
            directory=self.home,
            environment=environment,
            timeout_s=self.settings.timeout_s * factor,
            stdin=stdin,
            keep_open=[self.lock] if self.lock >= 0 else [],
            stop=self.stop,
            is_work=is_work,
        )


def check_identity(settings: GitSettings) -> str:
    """Return the committer as git writes one: ``Name <address>``.

    Raises:
        SettingsError: git would write something else, or a commit nobody can read.
    """
    return _identity(settings.author_name, settings.author_email)


def check_author(settings: GitSettings) -> str:
    """Return the author likewise: the person that asks for commits, or else the committer.

    Raises:
        SettingsError: git would write something else, or a commit nobody can read.
    """
    if settings.on_behalf_of is None:
        return check_identity(settings)
    name, _, rest = settings.on_behalf_of.partition("<")
    return _identity(name, rest.removesuffix(">"))


def _identity(name: str, email: str) -> str:
    for text in (name, email):
        if not text.strip() or any(char in "<>" or not char.isprintable() for char in text):
            raise SettingsError(f"{text.strip(' ')!r} cannot be the author of a commit")
    return f"{name.strip()} <{email.strip()}>"
