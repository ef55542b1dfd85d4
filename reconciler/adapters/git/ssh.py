"""How git reaches a remote over SSH: the command it runs, with private copies of what that reads.

The copies exist while a command runs, in a folder of the clone's that nobody else may enter, and
ssh is given their names relative to git's working directory. So a key that is readable for others
(ssh refuses those, and a Secret's volume is no better) or belongs to somebody else can be used; one
that is replaced in its place is used at once; and no path of the user's has to pass the shell and
then ssh, which expands ``%h`` and ``${HOME}`` in file names and knows no way to quote the latter.
"""

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.git.private_files import read_bounded, remove_folder, write_private
from reconciler.adapters.git.private_key import usable_key
from reconciler.adapters.git.user_name import has_user_name, naming_variables, write_user_name
from reconciler.errors import SettingsError
from reconciler.settings import GitSettings

_FOLDER = "ssh"
_KEY, _KNOWN_HOSTS = f"../{_FOLDER}/key", f"../{_FOLDER}/known_hosts"
_SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
_AGENT = "SSH_AUTH_SOCK"

_OPTIONS: Mapping[str, str] = {
    "BatchMode": "yes",  # nobody is there to answer
    "PreferredAuthentications": "publickey",
    "StrictHostKeyChecking": "yes",  # never trust on first use
    "UpdateHostKeys": "no",
    "ForwardAgent": "no",
    "ConnectTimeout": "10",
    # What stalls is given up as soon as over HTTP: after 30 seconds of silence.
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
}


@dataclass(frozen=True, slots=True)
class SshAccess:
    """What a git command needs to speak to an SSH remote, for as long as the copies exist."""

    environment: Mapping[str, str]
    originals: Mapping[str, str] = field(default_factory=dict)  # name of a copy -> the user's file

    def explain(self, words: str) -> str:
        """Return what ssh said with the names of the user's files in place of the copies'."""
        for copy, original in self.originals.items():
            words = words.replace(copy, original)
        return words


NO_SSH = SshAccess({})


@contextlib.contextmanager
def ssh_access(settings: GitSettings, home: Path) -> Iterator[SshAccess]:
    """Keep copies of key and host keys beside git's working directory while the block runs.

    The clone's lock has to be held. What a killed process left is removed first.

    Args:
        settings: the remote; its files are read now.
        home: the working directory of git.

    Raises:
        SettingsError: a file cannot be read, is no key, or there is neither key nor agent; or
            there is no ssh program.
        OSError: the disk does not permit it.
    """
    if shutil.which("ssh") is None:
        raise SettingsError("there is no ssh program on the PATH: install openssh-client")
    folder = home.parent / _FOLDER
    remove_folder(folder)
    folder.mkdir(mode=0o700)
    try:
        yield _access(settings, folder)
    finally:
        remove_folder(folder)


def ssh_command(*, has_key: bool, has_known_hosts: bool, has_name: bool) -> str:
    """Return the value of ``GIT_SSH_COMMAND``, for the shell that git gives it to.

    Args:
        has_key: use the copied key and no other; otherwise the agent's keys and no files.
        has_known_hosts: trust the copied host keys and not the system's too.
        has_name: the system knows a user with our ID.
    """
    key = ["-i", _KEY, "-o", "IdentitiesOnly=yes"] if has_key else ["-o", "IdentityFile=none"]
    system = "/dev/null" if has_known_hosts else _SYSTEM_KNOWN_HOSTS
    files = {"UserKnownHostsFile": _KNOWN_HOSTS, "GlobalKnownHostsFile": system}
    options = [f"-o{name}={value}" for name, value in {**_OPTIONS, **files}.items()]
    wrapper = naming_variables(f"../{_FOLDER}")
    variables = [] if has_name else ["env", *(f"{k}={v}" for k, v in wrapper.items())]
    return shlex.join([*variables, "ssh", "-F", "/dev/null", *key, *options])


def _access(settings: GitSettings, folder: Path) -> SshAccess:
    key, known_hosts = settings.ssh_key_file, settings.known_hosts_file or _own_known_hosts()
    has_name = has_user_name()
    command = ssh_command(
        has_key=key is not None,
        has_known_hosts=settings.known_hosts_file is not None,
        has_name=has_name,
    )
    environment = {"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"}
    originals = {}
    if key:
        write_private(folder / "key", usable_key(read_bounded(key, "the SSH key"), where=str(key)))
        originals[_KEY] = str(key)
    else:
        environment[_AGENT] = _agent()
    if known_hosts:
        write_private(folder / "known_hosts", read_bounded(known_hosts, "the known hosts"))
        originals[_KNOWN_HOSTS] = str(known_hosts)
    if not has_name:
        write_user_name(folder)
    return SshAccess(environment, originals)


def _agent() -> str:
    agent = os.environ.get(_AGENT)
    if not agent:
        raise SettingsError(
            "an SSH remote wants a key: use --git-ssh-key-file, or start an SSH agent"
        )
    return agent


def _own_known_hosts() -> Path | None:
    """Return the file of the person who runs us, if there is one; git's own home is empty."""
    try:
        path = Path.home() / ".ssh" / "known_hosts"
    except RuntimeError:  # neither $HOME nor a passwd entry
        return None
    # Path.is_file raises where HOME is another user's
    return path if os.path.isfile(path) else None  # noqa: PTH113 - see above
