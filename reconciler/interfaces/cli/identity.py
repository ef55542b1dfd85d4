"""``reconcile identity``: the public halves of the SSH keys that the reconciler uses."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from reconciler.core.public_key import PublicKey
from reconciler.errors import NotFoundError
from reconciler.exit_codes import OK
from reconciler.install_parts import deploy_key_pages, read_key, reading_secrets, ssh_keys
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.settings import Settings, SourceSettings

SCHEMA_VERSION: Final = 1
MOUNTED: Final = Path("/etc/reconcile/git")
"""Where our pod has the Secret with the keys."""

SECRET: Final = "git"  # noqa: S105 - a Secret's name
KEY: Final = "identity"
_ANY_REMOTE: Final = {"git-url": "."}  # none is asked; but there are no settings without one


@dataclass(frozen=True, slots=True)
class _Identity:
    """A public key, and what it is for.

    Attributes:
        public: the key.
        place: where its private half is.
        pages: where it is to be entered.
    """

    public: PublicKey
    place: str
    pages: tuple[str, ...]


def run(invocation: Invocation) -> int:
    """Print each public key, and on standard error what to do with it; return the exit code.

    Raises:
        SettingsError: options are wrong, or a key cannot be used.
        NotFoundError: there is no key.
        AccessDeniedError, ClusterError: the cluster cannot be asked for it.
    """
    settings = load(invocation, defaults=_ANY_REMOTE)
    found: dict[str, _Identity] = {}
    for source in settings.sources:
        identity = _identity_of(source, settings)
        found.setdefault(str(identity.public), identity)
    terminal = Terminal.standard()
    if settings.output == "json":
        keys: list[JSON] = [_document(each) for each in found.values()]
        terminal.say(rendered({"keys": keys}, version=SCHEMA_VERSION, exit_code=OK))
        return OK
    for each in found.values():
        terminal.say(printable(str(each.public)))
        sys.stdout.flush()  # before what is said of it
        say_what_to_do(each.public, each.place, each.pages)
    return OK


def say_what_to_do(public: PublicKey, place: str, pages: tuple[str, ...]) -> None:
    """Say on standard error which key it is, and where to enter it."""
    click.echo(f"{public.fingerprint}, of {printable(place)}", err=True)
    click.echo("Add it to the repository as a deploy key that may write:", err=True)
    for page in pages:
        click.echo(f"  {printable(page)}", err=True)


def _identity_of(source: SourceSettings, settings: Settings) -> _Identity:
    content, place = _private_key(source, settings)
    public = ssh_keys().public_half(content, where=place)
    named = PublicKey(public.kind, public.blob, public.comment or "reconcile")
    url = "" if source.git.url == _ANY_REMOTE["git-url"] else source.git.url
    return _Identity(named, place, deploy_key_pages(url, source.forge.kind))


def _private_key(source: SourceSettings, settings: Settings) -> tuple[bytes, str]:
    """Return a private key and where it is: a file here, or the Secret that our pod mounts."""
    path = source.git.ssh_key_file
    if path is not None and (path.parent != MOUNTED or path.is_file()):
        return read_key(path), str(path)
    key = path.name if path is not None else KEY
    namespace = settings.cluster.namespace
    place = f"secret/{SECRET} (namespace {namespace})"
    with reading_secrets(settings) as values_of:
        values = values_of(namespace, SECRET)
    if values is None or key not in values:
        has = "is not there" if values is None else f"has no key {key!r}"
        raise NotFoundError(
            f"{has}: 'reconcile install' makes one for an SSH remote; a file is named by "
            "--git-ssh-key-file",
            where=place,
        )
    return values[key], f"{place}, {key}" if key != KEY else place


def _document(each: _Identity) -> JSON:
    return {
        "publicKey": str(each.public),
        "fingerprint": each.public.fingerprint,
        "from": each.place,
        "enterAt": list(each.pages),
    }
