"""What installing needs of the world: the composition root's part that is about it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.cluster.on_demand import OnDemand
from reconciler.adapters.cluster.secrets import secret_values
from reconciler.adapters.cluster.site import ClusterSite
from reconciler.adapters.forge.deploy_key import deploy_key_pages as forge_pages
from reconciler.adapters.forge.forges import forge_of
from reconciler.adapters.git.private_files import read_bounded
from reconciler.adapters.git.remote import host_scan, remote_of
from reconciler.adapters.git.repository import GitRepository
from reconciler.adapters.git.ssh_keys import SshKeys
from reconciler.adapters.packaged.manifests import own_manifests as packaged_manifests
from reconciler.errors import SettingsError
from reconciler.pipeline.install_port import Site
from reconciler.settings import Settings, SourceSettings


def ssh_keys() -> SshKeys:
    """Return what makes SSH keys, and tells the public half of one."""
    return SshKeys()


def own_manifests() -> Mapping[str, str]:
    """Return the texts of our own manifests, by path.

    Raises:
        SettingsError: they are not there.
    """
    return packaged_manifests()


def is_ssh(git_url: str) -> bool:
    """Whether a remote is reached by SSH; of one that is wrong, no."""
    try:
        return remote_of(git_url, insecure=True).scheme == "ssh"
    except SettingsError:
        return False


def scan_command(git_url: str) -> str:
    """Return the command that shows the host keys of an SSH remote, for a person to compare."""
    return host_scan(remote_of(git_url))


def check_remote(source: SourceSettings) -> str:
    """Return the scheme of a source's remote, if all that is said of it can be used.

    Raises:
        SettingsError: git cannot be given that, or the forge cannot be told.
    """
    GitRepository(source.git, Path("unused"))
    if source.forge.has_requests or source.forge.has_statuses:
        forge_of(source.git, source.forge)
    return remote_of(source.git.url, insecure=source.git.insecure).scheme


def read_key(path: Path) -> bytes:
    """Return the content of a key's file.

    Raises:
        SettingsError: it cannot be read, or is far too large for one.
    """
    return read_bounded(path, "the SSH key")


def deploy_key_pages(git_url: str, kind: str | None = None) -> tuple[str, ...]:
    """Return where a deploy key of a remote is entered, and what is to be ticked there."""
    return tuple(map(str, forge_pages(git_url, kind=kind)))


@contextmanager
def reading_secrets(
    settings: Settings,
) -> Iterator[Callable[[str, str], Mapping[str, bytes] | None]]:
    """Give what reads a Secret by namespace and name; closes its connections at the end.

    None is returned for one that is not there.
    """
    connection = OnDemand(settings.cluster)
    try:
        yield lambda namespace, name: secret_values(
            connection.get(), namespace=namespace, name=name
        )
    finally:
        connection.close()


@contextmanager
def on_site(settings: Settings) -> Iterator[Site]:
    """Give the cluster where we are to be, or are, installed; closes its connections at the end."""
    site = ClusterSite(settings.cluster)
    try:
        yield site
    finally:
        site.close()
